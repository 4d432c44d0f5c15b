/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists.c - what the verbs around list files share, see lists.h.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/cli/client.h"
#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/core/digest.h"
#include "user/core/escape.h"
#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/paths.h"

/* ---- FILE|DIGEST ---------------------------------------------------------------- */

void psc_target_clear(struct psc_target *target)
{
	free(target->name);
	target->name = NULL;
}

/* Algorithm that a bare digest of so many digits has; others need their name before it. */
static int algo_by_digits(size_t digits, enum psc_algo *ret)
{
	static const enum psc_algo bare[] = {
		PSC_ALGO_MD5,	 PSC_ALGO_SHA1,	  PSC_ALGO_SHA224,
		PSC_ALGO_SHA256, PSC_ALGO_SHA384, PSC_ALGO_SHA512,
	};

	for (size_t i = 0; i < ARRAY_SIZE(bare); i++)
		if (psc_algo_size(bare[i]) * 2 == digits) {
			*ret = bare[i];
			return 0;
		}
	return -EINVAL;
}

/* 0, or -ENOENT when @text does not even look like a digest, -EINVAL when it is a broken one. */
static int digest_parse(const char *text, struct psc_target *ret)
{
	const char *colon = strchr(text, ':');
	size_t prefix = colon ? (size_t)(colon - text) : 0;
	char name[16];

	if (!colon) {
		size_t digits = strlen(text);

		if (digits < 32 || strspn(text, "0123456789abcdefABCDEF") != digits)
			return -ENOENT;
		if (algo_by_digits(digits, &ret->algo) < 0)
			return -EINVAL;
		return psc_hex_decode(text, digits, ret->digest, psc_algo_size(ret->algo), NULL);
	}
	if (prefix >= sizeof(name))
		return -ENOENT;
	memcpy(name, text, prefix);
	name[prefix] = '\0';
	if (psc_algo_from_string(name, &ret->algo) < 0)
		return -ENOENT;
	text = colon + 1;
	return psc_hex_decode(text, strlen(text), ret->digest, psc_algo_size(ret->algo), NULL) < 0
		       ? -EINVAL
		       : 0;
}

int psc_target_read_file(const char *path, struct psc_target *ret)
{
	_cleanup_close_ int fd = -1;
	uint8_t head[PSC_FORMAT_HEAD_SIZE];
	const char *slash = strrchr(path, '/');
	ssize_t n;
	int r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	r = psc_digest_fd(fd, ret->digest, &ret->size);
	if (r < 0)
		return r;
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return -errno;
	ret->name = psc_escape_string(slash ? slash + 1 : path);
	if (!ret->name)
		return -ENOMEM;
	ret->is_file = true;
	ret->algo = PSC_ALGO_SHA256;
	ret->has_size = true;
	ret->format = psc_format_detect(head, (size_t)n);
	return 0;
}

static int fail_file(struct psc_cli *cli, const char *path, int error)
{
	struct psc_error e = {};

	psc_error_set(&e, path, 0, 0, "%s",
		      error == -EINVAL ? "not a regular file" : strerror(-error));
	return psc_cli_fail_at(cli, PSC_EXIT_FAILED, &e, NULL);
}

int psc_target_read(struct psc_cli *cli, const char *argument, struct psc_target *ret)
{
	struct psc_target digest = {}, file = {};
	int r, f;

	r = digest_parse(argument, &digest);
	f = psc_target_read_file(argument, &file);
	/* Samples are often named after their digest: then both readings mean the same. */
	if (f == 0 && r == 0 &&
	    (digest.algo != file.algo ||
	     memcmp(digest.digest, file.digest, PSC_DIGEST_SIZE) != 0)) {
		psc_target_clear(&file);
		return psc_cli_fail(cli, PSC_EXIT_USAGE,
				    "write ./NAME for the file, sha256:HEX for the digest",
				    "%s is a digest and also a file with another one", argument);
	}
	if (f == 0) {
		*ret = file;
		return PSC_EXIT_OK;
	}
	if (r == 0) {
		*ret = digest;
		return PSC_EXIT_OK;
	}
	if (r == -ENOENT || f != -ENOENT)
		return fail_file(cli, argument, f);
	return psc_cli_fail(cli, PSC_EXIT_INVALID,
			    "give 64 hexadecimal digits, or the algorithm's name: md5:HEX, ...",
			    "%s is neither a file nor a digest of a known length", argument);
}

char *psc_target_text(enum psc_algo algo, const uint8_t *digest)
{
	char hex[2 * PSC_ALGO_DIGEST_MAX + 1];
	char *text = NULL;

	psc_hex_encode(digest, psc_algo_size(algo), hex);
	return asprintf(&text, "%s:%s", psc_algo_to_string(algo), hex) < 0 ? NULL : text;
}

/* ---- where ---------------------------------------------------------------------- */

int psc_lists_directory(struct psc_cli *cli, char **ret)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	const char *directory = psc_cli_option(cli, "lists");

	if (!directory) {
		psc_client_ask("status", &answer);
		directory = psc_json_text(answer.data, "lists.directory", PSC_PATH_LISTS);
	}
	*ret = strdup(directory);
	return *ret ? PSC_EXIT_OK : psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
}

int psc_lists_fail(struct psc_cli *cli, const char *path, int error, struct psc_error *detail)
{
	bool input = error == -EINVAL || error == -E2BIG || error == -ELOOP;

	if (!detail->message[0])
		psc_error_set(detail, path, 0, 0, "%s", strerror(-error));
	return psc_cli_fail_at(cli, input ? PSC_EXIT_INVALID : PSC_EXIT_FAILED, detail,
			       error == -EACCES || error == -EPERM ? "run it as root" : NULL);
}

int psc_lists_load(struct psc_cli *cli, const char *directory, bool missing_is_empty,
		   struct psc_list **ret)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	struct psc_error error = {};
	int r;

	r = psc_list_new(&list);
	if (r == 0)
		r = psc_list_load_dir(list, directory, &error);
	if (r == -ENOENT && missing_is_empty)
		r = 0;
	if (r == 0)
		r = psc_list_index(list);
	if (r < 0)
		return psc_lists_fail(cli, directory, r, &error);
	*ret = TAKE_PTR(list);
	return PSC_EXIT_OK;
}

int psc_lists_path(struct psc_cli *cli, const char *directory, const char *name, char **ret)
{
	const size_t suffix = sizeof(PSC_LIST_SUFFIX) - 1;
	size_t length = strlen(name);
	bool bad = length == 0 || length > 100 || name[0] == '.' || name[0] == '-';

	for (const char *p = name; *p; p++)
		bad = bad || !(isalnum((unsigned char)*p) || strchr("._-", *p));
	if (bad)
		return psc_cli_usage(
			cli, "'%s' is no name of a list: letters, digits, '.', '_', '-'", name);
	if (length > suffix && strcmp(name + length - suffix, PSC_LIST_SUFFIX) == 0)
		length -= suffix;
	if (asprintf(ret, "%s/%.*s" PSC_LIST_SUFFIX, directory, (int)length, name) < 0) {
		*ret = NULL;
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	}
	return PSC_EXIT_OK;
}

int psc_lists_ensure(struct psc_cli *cli, const char *directory)
{
	if (strcmp(directory, PSC_PATH_LISTS) != 0 || access(directory, F_OK) == 0)
		return PSC_EXIT_OK;
	if ((mkdir(PSC_DIR_CONFIG, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(directory, 0755) < 0 && errno != EEXIST))
		return psc_cli_fail(cli, PSC_EXIT_FAILED, errno == EACCES ? "run it as root" : NULL,
				    "cannot create %s: %s", directory, strerror(errno));
	return PSC_EXIT_OK;
}

/* ---- taking effect ---------------------------------------------------------------- */

struct edited {
	struct psc_cli *cli;
	const char *path;
	const struct psc_list_backup *backup;
};

static int roll_back(void *data)
{
	const struct edited *edited = data;
	struct psc_error error = {};
	int r = psc_list_file_restore(edited->path, edited->backup, &error);

	if (r < 0)
		psc_cli_note(edited->cli, "%s could not be put back to what it was: %s",
			     edited->path, error.message[0] ? error.message : strerror(-r));
	return r;
}

int psc_lists_apply(struct psc_cli *cli, const char *path, const struct psc_list_backup *backup,
		    enum psc_effect *ret)
{
	const struct psc_effect_place place = {
		.given = psc_cli_option(cli, "lists"), .key = "lists.directory", .what = "lists"};
	struct edited edited = {cli, path, backup};
	_cleanup_free_ char *whole = NULL;

	if (asprintf(&whole, "%s is", path) < 0) {
		whole = NULL;
		return psc_cli_fail(cli, PSC_EXIT_FAILED, NULL, "out of memory");
	}
	return psc_effect_apply(cli, &place, path, roll_back, &edited, whole, ret);
}

/* ---- entries ---------------------------------------------------------------------- */

static const char *enforce_reason(enum psc_list_enforce enforce)
{
	switch (enforce) {
	case PSC_LIST_NOT_SHA256:
		return "not sha256";
	case PSC_LIST_SIZE_TOO_LARGE:
		return "larger than the kernel digests";
	default:
		return NULL;
	}
}

static json_t *text_or_null(const char *text)
{
	char buffer[PSC_LIST_LINE_MAX];

	if (!text || !*text)
		return NULL;
	psc_output_safe(text, buffer, sizeof(buffer));
	return json_string(buffer);
}

json_t *psc_list_entry_to_json(const struct psc_list *list, const struct psc_list_entry *entry)
{
	enum psc_list_enforce enforce = psc_list_entry_enforce(entry);
	char hex[2 * PSC_ALGO_DIGEST_MAX + 1];
	struct psc_list_file file = {};

	psc_hex_encode(entry->digest, entry->digest_size, hex);
	psc_list_file(list, entry->file, &file);
	return json_pack("{s:s,s:s,s:o*,s:s,s:o*,s:o*,s:o*,s:o*,s:b,s:s*,s:o*,s:I}", "algo",
			 psc_algo_to_string(entry->algo), "digest", hex, "size",
			 entry->has_size ? json_integer((json_int_t)entry->size) : NULL, "format",
			 psc_format_to_string(entry->format), "name", text_or_null(entry->name),
			 "product", text_or_null(entry->product), "version",
			 text_or_null(entry->version), "source", text_or_null(entry->source),
			 "enforceable", enforce == PSC_LIST_ENFORCEABLE, "not_enforceable_because",
			 enforce_reason(enforce), "file", text_or_null(file.path), "line",
			 (json_int_t)entry->line);
}
