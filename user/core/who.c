/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who.c - see who.h.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "user/core/timefmt.h"
#include "user/core/who.h"

#define ID_LENGTH 64 /* hexadecimal digits of a container's id, for all runtimes that have such */

/* ---- /proc/PID/stat -------------------------------------------------------------------------- */

int psc_who_parse_stat(const char *text, size_t size, uint64_t *ret_start)
{
	/* behind the name's last parenthesis stand the fields from the third on */
	const char *p = memrchr(text, ')', size), *end = text + size;
	unsigned int field = 2;
	uint64_t value = 0;

	if (!p)
		return -EBADMSG;
	for (p++; p < end && field < 22; p++)
		field += *p == ' ';
	if (field < 22 || p >= end || !isdigit((unsigned char)*p))
		return -EBADMSG;
	for (; p < end && isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -EBADMSG;
	*ret_start = value;
	return 0;
}

bool psc_who_same_start(uint64_t start_ticks, uint64_t start_ns, long ticks_per_second)
{
	return ticks_per_second > 0 &&
	       start_ticks == start_ns / (PSC_NSEC_PER_SEC / (uint64_t)ticks_per_second);
}

/* ---- /proc/PID/maps -------------------------------------------------------------------------- */

/* "5581c7e00000-5581c7e02000 r--p 00000000 fe:01 1234   /usr/bin/x" */
static bool is_mapping_of(const char *line, uint64_t inode, uint32_t device, const char *path)
{
	unsigned int major, minor;
	uint64_t number;
	int at = 0;

	if (sscanf(line, "%*x-%*x %*4s %*x %x:%x %" SCNu64 " %n", &major, &minor, &number, &at) !=
		    3 ||
	    !at)
		return false;
	return number == inode && major == device >> 20 && minor == (device & 0xfffff) &&
	       strcmp(line + at, path) == 0;
}

bool psc_who_maps_has(const char *text, size_t size, uint64_t inode, uint32_t device,
		      const char *path)
{
	const char *end = text + size, *newline;

	if (!inode || !*path)
		return false;
	for (; text < end && (newline = memchr(text, '\n', (size_t)(end - text)));
	     text = newline + 1) {
		size_t length = (size_t)(newline - text);
		char line[PSC_WHO_PATH_MAX + 128];

		if (length >= sizeof(line))
			continue;
		memcpy(line, text, length);
		line[length] = '\0';
		if (is_mapping_of(line, inode, device, path))
			return true;
	}
	return false;
}

/* ---- names of control groups ------------------------------------------------------------------ */

/* One name of a path. */
struct part {
	const char *text;
	size_t size;
};

static bool is_hex(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!isdigit((unsigned char)text[i]) && (text[i] < 'a' || text[i] > 'f'))
			return false;
	return size > 0;
}

/* Takes @word off the front, if it is there. */
static bool skip(struct part *part, const char *word)
{
	size_t length = strlen(word);

	if (part->size < length || memcmp(part->text, word, length) != 0)
		return false;
	part->text += length;
	part->size -= length;
	return true;
}

/* Takes @word off the end, if it is there. */
static bool chop(struct part *part, const char *word)
{
	size_t length = strlen(word);

	if (part->size < length || memcmp(part->text + part->size - length, word, length) != 0)
		return false;
	part->size -= length;
	return true;
}

static const struct {
	const char *prefix;
	const char *runtime;
} scopes[] = {
	{"docker-", "docker"}, {"cri-containerd-", "containerd"},
	{"crio-", "cri-o"},    {"libpod-payload-", "podman"},
	{"libpod-", "podman"}, {"nerdctl-", "containerd"},
};

/* "docker-<id>.scope", "libpod-<id>", or only "<id>", perhaps below "docker". */
static bool is_container(struct part part, struct part before, struct psc_who_container *ret)
{
	const char *runtime = NULL;

	chop(&part, ".scope");
	for (size_t i = 0; i < ARRAY_SIZE(scopes) && !runtime; i++)
		if (skip(&part, scopes[i].prefix))
			runtime = scopes[i].runtime;
	if (part.size != ID_LENGTH || !is_hex(part.text, part.size))
		return false;
	if (!runtime && before.size == strlen("docker") && skip(&before, "docker"))
		runtime = "docker";
	memcpy(ret->id, part.text, part.size);
	ret->id[part.size] = '\0';
	ret->runtime = runtime;
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The name of a unit, where "\x2d" stands for a byte. */
static bool put_name(struct part name, struct psc_who_container *ret)
{
	size_t used = 0;

	if (!name.size || name.size >= sizeof(ret->id))
		return false;
	for (size_t i = 0; i < name.size; i++) {
		const char *c = name.text + i;
		int byte = (unsigned char)*c;

		if (name.size - i >= 4 && c[0] == '\\' && c[1] == 'x' && hex_digit(c[2]) >= 0 &&
		    hex_digit(c[3]) >= 0) {
			byte = hex_digit(c[2]) << 4 | hex_digit(c[3]);
			i += 3;
		}
		if (!byte)
			return false;
		ret->id[used++] = (char)byte;
	}
	ret->id[used] = '\0';
	ret->named = true;
	return true;
}

/* Machines of systemd, which libvirt registers its own with, too; LXC. */
static bool is_machine(struct part part, struct psc_who_container *ret)
{
	struct part name = part;

	if (skip(&name, "lxc.payload.")) {
		ret->runtime = "lxc";
		return put_name(name, ret);
	}
	if (!(skip(&name, "machine-") && chop(&name, ".scope")) &&
	    !(skip(&name, "systemd-nspawn@") && chop(&name, ".service")))
		return false;
	part = name;
	if (skip(&part, "qemu\\x2d") || skip(&part, "lxc\\x2d"))
		return false;
	ret->runtime = "systemd-nspawn";
	return put_name(name, ret);
}

/* "pod<uid>", "kubepods-burstable-pod<uid>.slice"; there "_" stands for "-". */
static void take_pod(struct part part, struct psc_who_container *ret)
{
	size_t digits = 0;

	if (ret->pod[0])
		return;
	chop(&part, ".slice");
	if (skip(&part, "kubepods-") && !skip(&part, "burstable-"))
		skip(&part, "besteffort-");
	if (!skip(&part, "pod") || part.size < 32 || part.size > 36)
		return;
	for (size_t i = 0; i < part.size; i++) {
		char c = part.text[i] == '_' ? '-' : part.text[i];

		if (c != '-' && hex_digit(c) < 0)
			return;
		digits += c != '-';
	}
	if (digits != 32)
		return;
	for (size_t i = 0; i < part.size; i++)
		ret->pod[i] = part.text[i] == '_' ? '-' : part.text[i];
}

/*
 * containerd without systemd where the kubelet has it: one name of slice, runtime and id,
 * "kubepods-pod<uid>.slice:cri-containerd:<id>".
 */
static bool is_joined(struct part part, struct psc_who_container *ret)
{
	const char *colon = memchr(part.text, ':', part.size);
	struct part none = {"", 0}, rest = part;

	if (!colon)
		return false;
	part.size = (size_t)(colon - part.text);
	rest.size -= part.size;
	rest.text = colon;
	if (!skip(&rest, ":cri-containerd:") || !is_container(rest, none, ret))
		return false;
	ret->runtime = "containerd";
	take_pod(part, ret);
	return true;
}

void psc_who_container_of(const char *path, struct psc_who_container *ret)
{
	struct part part = {path, 0}, before = {"", 0};
	bool found = false;

	*ret = (struct psc_who_container){};
	for (; *part.text && !found; before = part, part.text += part.size) {
		part.text += strspn(part.text, "/");
		part.size = strcspn(part.text, "/");
		if (part.text[part.size] == '\0')
			chop(&part, " (deleted)");
		take_pod(part, ret);
		found = is_container(part, before, ret) || is_joined(part, ret) ||
			is_machine(part, ret);
		if (part.text[part.size] == ' ')
			break;
	}
	/* what was begun of a name that is none */
	if (!found) {
		ret->id[0] = '\0';
		ret->runtime = NULL;
		ret->named = false;
	}
}

/* ---- /proc/PID/cgroup ------------------------------------------------------------------------ */

/* How much the path of a line is worth: more is better. */
static unsigned int rank(bool unified, bool systemd, const char *path)
{
	struct psc_who_container container;

	psc_who_container_of(path, &container);
	return (container.id[0] ? 4 : 0) + (unified && path[1] ? 3 : systemd ? 2 : 1);
}

int psc_who_parse_cgroup(const char *text, size_t size, char ret[PSC_WHO_PATH_MAX],
			 bool *ret_unified)
{
	char path[PSC_WHO_PATH_MAX], best[PSC_WHO_PATH_MAX];
	unsigned int best_rank = 0;
	bool best_unified = false;
	size_t length;

	for (const char *line = text, *end = text + size; line < end; line += length + 1) {
		const char *newline = memchr(line, '\n', (size_t)(end - line)), *p;
		struct part part;
		bool unified, systemd;
		unsigned int r;

		length = (size_t)((newline ? newline : end) - line);
		p = memmem(line, length, ":/", 2);
		if (!p || memchr(line, '\0', length))
			continue;
		part = (struct part){line, (size_t)(p - line)};
		unified = part.size == 2 && skip(&part, "0:");
		systemd = chop(&part, "name=systemd");
		part = (struct part){p + 1, (size_t)(line + length - p - 1)};
		if (part.size >= sizeof(path))
			continue;
		memcpy(path, part.text, part.size);
		path[part.size] = '\0';
		r = rank(unified, systemd, path);
		if (r <= best_rank)
			continue;
		best_rank = r;
		best_unified = unified;
		memcpy(best, path, part.size + 1);
	}
	if (!best_rank)
		return -ENOENT;
	memcpy(ret, best, sizeof(best));
	*ret_unified = best_unified;
	return 0;
}
