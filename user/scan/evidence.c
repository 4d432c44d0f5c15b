/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.c - see evidence.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"
#include "user/scan/evidence_internal.h"

static const char *const kind_names[] = {
	[PSC_EVIDENCE_DPKG_LOG] = "dpkg_log",	  [PSC_EVIDENCE_APT_HISTORY] = "apt_history",
	[PSC_EVIDENCE_DNF_LOG] = "dnf_log",	  [PSC_EVIDENCE_YUM_LOG] = "yum_log",
	[PSC_EVIDENCE_DPKG_INFO] = "dpkg_info",	  [PSC_EVIDENCE_RPM_RECORD] = "rpm_record",
	[PSC_EVIDENCE_BIRTH] = "directory_birth", [PSC_EVIDENCE_STATEMENT] = "statement",
};
_Static_assert(ARRAY_SIZE(kind_names) == PSC_EVIDENCE_MAX, "a name for every kind");

static const char *const weight_names[] = {
	[PSC_EVIDENCE_WEAK] = "weak",
	[PSC_EVIDENCE_MEDIUM] = "medium",
	[PSC_EVIDENCE_STRONG] = "strong",
};

/* Rotated ones have a suffix: dpkg.log.1, dpkg.log.2.gz, dnf.log-20240501. */
static const struct {
	const char *directory, *name;
	enum psc_evidence_kind kind;
} logs[] = {
	{"/var/log", "dpkg.log", PSC_EVIDENCE_DPKG_LOG},
	{"/var/log/apt", "history.log", PSC_EVIDENCE_APT_HISTORY},
	{"/var/log", "dnf.log", PSC_EVIDENCE_DNF_LOG},
	{"/var/log", "dnf.rpm.log", PSC_EVIDENCE_DNF_LOG},
	{"/var/log", "yum.log", PSC_EVIDENCE_YUM_LOG},
};

const char *psc_evidence_to_string(unsigned int kind)
{
	return psc_name_of(kind_names, PSC_EVIDENCE_MAX, kind);
}

const char *psc_evidence_weight_to_string(unsigned int weight)
{
	return psc_name_of(weight_names, PSC_EVIDENCE_WEIGHT_MAX, weight);
}

void psc_evidence_clear(struct psc_evidence *evidence)
{
	for (size_t i = 0; i < evidence->count; i++) {
		free(evidence->item[i].source);
		free(evidence->item[i].text);
	}
	free(evidence->item);
	psc_strings_free(evidence->unread);
	*evidence = (struct psc_evidence){0};
}

int psc_evidence_add(struct psc_evidence *evidence, enum psc_evidence_kind kind,
		     enum psc_evidence_weight weight, uint64_t time, const char *source,
		     const char *text)
{
	struct psc_evidence_item *grown;
	struct psc_evidence_item item = {.kind = kind, .weight = weight, .time = time};

	grown = reallocarray(evidence->item, evidence->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	evidence->item = grown;
	item.source = strdup(source);
	item.text = strdup(text);
	if (!item.source || !item.text) {
		free(item.source);
		free(item.text);
		return -ENOMEM;
	}
	grown[evidence->count++] = item;
	return 0;
}

int psc_evidence_unread(struct psc_evidence *evidence, const char *path, int error)
{
	char **grown, *text;

	if (error == -ENOMEM)
		return error;
	if (asprintf(&text, "%s: %s", path,
		     error == -EBADMSG ? "damaged" : strerrordesc_np(-error)) < 0)
		return -ENOMEM;
	grown = reallocarray(evidence->unread, evidence->unread_count + 2, sizeof(*grown));
	if (!grown) {
		free(text);
		return -ENOMEM;
	}
	evidence->unread = grown;
	grown[evidence->unread_count++] = text;
	grown[evidence->unread_count] = NULL;
	return 0;
}

/* ---- logs ---------------------------------------------------------------------------- */

static int read_one_log(const char *path, const char *shown, enum psc_evidence_kind kind,
			const struct psc_evidence_query *query, struct psc_evidence *evidence)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t length = strlen(path);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : psc_evidence_unread(evidence, shown, -errno);
	if (length > 3 && strcmp(path + length - 3, ".xz") == 0)
		return psc_evidence_unread(evidence, shown, -ENOTSUP);
	r = psc_evidence_read_log(fd, kind, shown, query, evidence);
	return r < 0 ? psc_evidence_unread(evidence, shown, r) : 0;
}

static int read_logs(size_t i, const struct psc_evidence_query *query,
		     struct psc_evidence *evidence)
{
	_cleanup_free_ char *directory = NULL;
	size_t length = strlen(logs[i].name);
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	if (asprintf(&directory, "%s%s", query->root, logs[i].directory) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	dir = opendir(directory);
	if (!dir)
		return errno == ENOENT ? 0
				       : psc_evidence_unread(evidence, logs[i].directory, -errno);
	while (r >= 0 && (entry = readdir(dir))) {
		_cleanup_free_ char *path = NULL;

		if (strncmp(entry->d_name, logs[i].name, length) != 0 ||
		    (entry->d_name[length] && !strchr(".-", entry->d_name[length])))
			continue;
		if (asprintf(&path, "%s/%s", directory, entry->d_name) < 0) {
			path = NULL;
			r = -ENOMEM;
			break;
		}
		r = read_one_log(path, path + strlen(query->root), logs[i].kind, query, evidence);
	}
	closedir(dir);
	return r;
}

/* ---- records and directories ----------------------------------------------------------- */

static int record_of(const struct psc_evidence_query *query, const char *package,
		     const char *architecture, struct psc_evidence *evidence)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%s/var/lib/dpkg/info/%s%s.list", query->root, package, architecture) <
	    0) {
		path = NULL;
		return -ENOMEM;
	}
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : psc_evidence_unread(evidence, path, -errno);
	if (st.st_mtime < 0)
		return 0;
	return psc_evidence_add(evidence, PSC_EVIDENCE_DPKG_INFO, PSC_EVIDENCE_MEDIUM,
				(uint64_t)st.st_mtime * PSC_NSEC_PER_SEC,
				path + strlen(query->root), "the package's list was written");
}

static int records(const struct psc_evidence_query *query, struct psc_evidence *evidence)
{
	static const char *const architectures[] = {"", ":amd64", ":arm64", ":i386"};
	int r = 0;

	for (const char *const *p = query->packages; p && *p && r >= 0; p++) {
		for (size_t i = 0; i < ARRAY_SIZE(architectures) && r >= 0; i++)
			r = record_of(query, *p, architectures[i], evidence);
	}
	return r < 0 || !query->packages
		       ? r
		       : psc_rpmdb_evidence(query->root, query->packages, evidence);
}

static int birth_of(const struct psc_evidence_query *query, const char *directory,
		    struct psc_evidence *evidence)
{
	_cleanup_free_ char *path = NULL;
	struct statx stx;

	if (asprintf(&path, "%s%s", query->root, directory) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BTIME, &stx) < 0)
		return errno == ENOENT ? 0 : psc_evidence_unread(evidence, directory, -errno);
	if (!(stx.stx_mask & STATX_BTIME) || stx.stx_btime.tv_sec < 0)
		return 0;
	return psc_evidence_add(evidence, PSC_EVIDENCE_BIRTH, PSC_EVIDENCE_WEAK,
				(uint64_t)stx.stx_btime.tv_sec * PSC_NSEC_PER_SEC +
					stx.stx_btime.tv_nsec,
				directory, "it was made, or restored, here");
}

/* ---- statements ------------------------------------------------------------------------ */

static bool names_product(const struct psc_object *object, const char *product)
{
	for (char **p = object->products; p && *p; p++) {
		if (strcmp(*p, product) == 0)
			return true;
	}
	return false;
}

static int statement(const struct psc_object *object, struct psc_evidence *evidence)
{
	_cleanup_free_ char *source = NULL, *text = NULL;

	if (asprintf(&source, "%s %s", psc_object_kind_to_string(object->kind), object->id) < 0) {
		source = NULL;
		return -ENOMEM;
	}
	if (asprintf(&text, "%s, signed by %s%s%s", object->reason, object->by,
		     *object->document ? ", " : "", object->document) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return psc_evidence_add(evidence, PSC_EVIDENCE_STATEMENT, PSC_EVIDENCE_MEDIUM, object->from,
				source, text);
}

static int statements(const struct psc_evidence_query *query, struct psc_evidence *evidence)
{
	int r = 0;

	for (size_t i = 0; query->objects && query->product && i < query->objects->count && r >= 0;
	     i++) {
		const struct psc_object *object = query->objects->item[i];

		if ((object->kind == PSC_OBJECT_ATTESTATION ||
		     object->kind == PSC_OBJECT_DECISION) &&
		    object->from != PSC_TIME_ALWAYS && names_product(object, query->product))
			r = statement(object, evidence);
	}
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct psc_evidence_item *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->weight != y->weight)
		return (int)y->weight - (int)x->weight;
	return strcmp(x->source, y->source);
}

int psc_evidence_collect(const struct psc_evidence_query *query, struct psc_evidence *ret)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(logs) && r >= 0 && query->packages; i++)
		r = read_logs(i, query, &evidence);
	if (r >= 0)
		r = records(query, &evidence);
	for (const char *const *p = query->directories; p && *p && r >= 0; p++)
		r = birth_of(query, *p, &evidence);
	if (r >= 0)
		r = statements(query, &evidence);
	if (r < 0)
		return r;
	if (evidence.count)
		qsort(evidence.item, evidence.count, sizeof(*evidence.item), compare);
	*ret = evidence;
	evidence = (struct psc_evidence){0};
	return 0;
}
