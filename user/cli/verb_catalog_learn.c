/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_catalog_learn.c - `proscribe catalog learn`: digests and sizes of a product's own files,
 * from a file, a package or a directory, become an entry each in catalog.d/<vendor>. An rpm is
 * not unpacked: its header has the digests.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>

#include "user/cli/lists.h"
#include "user/cli/policy_verbs.h"
#include "user/core/digest.h"
#include "user/core/escape.h"
#include "user/core/indicator.h"
#include "user/identify/package.h"

#define LEARNED	     "learned" PSC_LIST_SUFFIX
#define VERSION_SIZE 128

struct lesson {
	struct psc_cli *cli;
	struct psc_catalog catalog;
	struct psc_indicators *indicators;
	struct psc_list *list;
	const char *product; /* VENDOR/PRODUCT[/ROLE] as given, or NULL: by indicators */
	bool all;	     /* files that hold no code, too */
	json_t *errors;
	size_t left_out; /* no code */
	size_t unknown;	 /* no indicator and no --product */
	size_t undigested;
	/* of the package that is read, else NULL */
	const struct psc_facts *package;
	bool inside; /* of what it installs, not of the package itself */
	const char *source;
	struct psc_error error;
};

static void lesson_clear(struct lesson *lesson)
{
	psc_catalog_clear(&lesson->catalog);
	psc_indicators_free(lesson->indicators);
	psc_list_free(lesson->list);
}

/* What programs are made of, by its name where its content is not at hand. */
static bool is_code_name(const char *path, uint32_t mode)
{
	static const char *const suffixes[] = {".so",  ".ppl", ".kdl", ".exe", ".dll",
					       ".sys", ".ko",  ".deb", ".rpm", ".run",
					       ".sh",  ".pl",  ".py",  ".msi", ".jar"};
	size_t length = strlen(path);

	if (mode & 0111 || strstr(path, ".so."))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (length > n && strcmp(path + length - n, suffixes[i]) == 0)
			return true;
	}
	return false;
}

/* ---- whose it is --------------------------------------------------------------------------- */

/* The file's place and name, with what its package says of itself. */
static int match_rules(const struct lesson *lesson, const char *path, struct psc_matches *ret)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	const char *name = strrchr(path, '/');
	int r;

	name = name ? name + 1 : path;
	r = psc_facts_add(&facts, PSC_FACT_PATH, 0, path, strlen(path));
	if (r >= 0)
		r = psc_facts_add(&facts, PSC_FACT_NAME, 0, name, strlen(name));
	for (size_t i = 0; lesson->package && i < lesson->package->count && r >= 0; i++) {
		const struct psc_fact *fact = &lesson->package->fact[i];

		if (fact->kind >= PSC_FACT_PACKAGE_FORMAT && fact->kind <= PSC_FACT_PACKAGE_KEY)
			r = psc_facts_add(&facts, fact->kind, 0, fact->value, strlen(fact->value));
	}
	return r < 0 ? r : psc_indicators_match(lesson->indicators, &facts, ret);
}

/* "VENDOR/PRODUCT/ROLE": as told, else as the best rule says. 0 and NULL: nobody knows. */
static int product_text(const struct lesson *lesson, const char *path, char **ret)
{
	_cleanup_(psc_matches_clear) struct psc_matches matches = {0};
	const struct psc_indicator *best;
	int r;

	*ret = NULL;
	if (lesson->product) {
		*ret = strdup(lesson->product);
		return *ret ? 0 : -ENOMEM;
	}
	r = match_rules(lesson, path, &matches);
	if (r < 0 || !matches.count)
		return r;
	best = matches.rule[0];
	/* a package is an installer; what it installs is not */
	if (asprintf(ret, "%s/%s", best->product,
		     psc_role_to_string(best->role == PSC_ROLE_INSTALLER && lesson->inside
						? PSC_ROLE_PROGRAM
						: best->role)) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int add_entry(struct lesson *lesson, const char *path, uint64_t size, enum psc_format format,
		     const uint8_t digest[PSC_DIGEST_SIZE])
{
	const char *version =
		lesson->package ? psc_facts_get(lesson->package, PSC_FACT_PACKAGE_VERSION) : NULL;
	_cleanup_free_ char *product = NULL, *name = psc_escape_string(path);
	_cleanup_free_ char *source = psc_escape_string(lesson->source);
	_cleanup_free_ char *safe_version = psc_escape_string(version ? version : "");
	struct psc_list_entry entry = {
		.algo = PSC_ALGO_SHA256,
		.digest = digest,
		.digest_size = PSC_DIGEST_SIZE,
		.has_size = true,
		.size = size,
		.format = format,
	};
	int r = product_text(lesson, path, &product);

	if (r < 0 || !name || !source || !safe_version)
		return -ENOMEM;
	if (!product) {
		lesson->unknown++;
		return 0;
	}
	entry.name = name;
	entry.product = product;
	entry.version = safe_version;
	entry.source = source;
	return psc_list_append(lesson->list, &entry, &lesson->error);
}

/* ---- where it comes from --------------------------------------------------------------------- */

static int learn_packaged(const struct psc_package_file *file, void *data)
{
	struct lesson *lesson = data;

	if (!file->size || (!lesson->all && !is_code_name(file->path, file->mode))) {
		lesson->left_out++;
		return 0;
	}
	if (!file->has_sha256) {
		lesson->undigested++;
		return 0;
	}
	return add_entry(lesson, file->path, file->size, PSC_FORMAT_ANY, file->sha256);
}

/* The package itself and what it installs. */
static int learn_package(struct lesson *lesson, int fd, const char *path, uint64_t size,
			 enum psc_format format, const uint8_t digest[PSC_DIGEST_SIZE])
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};
	int r = format == PSC_FORMAT_RPM ? psc_identify_rpm(fd, &facts)
					 : psc_identify_deb(fd, &facts);

	if (r < 0)
		return r;
	lesson->package = &facts;
	r = add_entry(lesson, path, size, format, digest);
	lesson->inside = true;
	if (r >= 0)
		r = psc_package_files(fd, learn_packaged, lesson);
	lesson->inside = false;
	lesson->package = NULL;
	return r;
}

static bool is_code(enum psc_format format, const char *path, mode_t mode)
{
	return format != PSC_FORMAT_ANY || is_code_name(path, mode);
}

static int learn_fd(struct lesson *lesson, int fd, const char *path, bool given)
{
	uint8_t head[PSC_FORMAT_HEAD_SIZE], digest[PSC_DIGEST_SIZE];
	_cleanup_free_ char *real = realpath(path, NULL);
	enum psc_format format;
	uint64_t size;
	struct stat st;
	ssize_t n;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return given ? -EINVAL : 0;
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return -errno;
	format = psc_format_detect(head, (size_t)n);
	if (!n || (!given && !lesson->all && !is_code(format, path, st.st_mode))) {
		lesson->left_out++;
		return 0;
	}
	r = psc_digest_fd(fd, digest, &size);
	if (r < 0)
		return r;
	if (format == PSC_FORMAT_DEB || format == PSC_FORMAT_RPM)
		return learn_package(lesson, fd, real ? real : path, size, format, digest);
	return add_entry(lesson, real ? real : path, size, format, digest);
}

static void add_error(struct lesson *lesson, const char *path, int error)
{
	struct psc_error detail = {0};

	psc_error_set(&detail, path, 0, 0, "%s",
		      error == -EINVAL	  ? "neither a regular file nor a directory"
		      : error == -ENOTSUP ? "this program was built without librpm"
		      : error == -EBADMSG ? "the package is damaged"
					  : strerror(-error));
	psc_cli_note(lesson->cli, "%s: %s", path, detail.message);
	json_array_append_new(lesson->errors, psc_policy_error_json(&detail));
}

/* One file. What cannot be read is told and does not keep the others; -ENOMEM, list errors. */
static int learn_file(struct lesson *lesson, const char *path, bool given)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (given ? 0 : O_NOFOLLOW));
	int r = fd < 0 ? -errno : learn_fd(lesson, fd, path, given);

	if (r == -ENOMEM || lesson->error.message[0])
		return r;
	if (r < 0 && (given || r != -ELOOP))
		add_error(lesson, path, r);
	return 0;
}

static int learn_tree(struct lesson *lesson, char *path)
{
	char *paths[] = {path, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int r = 0;

	if (!fts)
		return -errno;
	while (r >= 0 && (entry = fts_read(fts))) {
		if (entry->fts_info == FTS_F)
			r = learn_file(lesson, entry->fts_path, false);
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
			 entry->fts_info == FTS_NS)
			add_error(lesson, entry->fts_path, -entry->fts_errno);
	}
	fts_close(fts);
	return r;
}

static int learn(struct lesson *lesson, char *path)
{
	struct stat st;

	lesson->source = path;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return learn_tree(lesson, path);
	return learn_file(lesson, path, true);
}

/* ---- where it goes --------------------------------------------------------------------------- */

/* catalog.d/<vendor>/learned.csv; only what is of one vendor goes into one file. */
static int output_path(struct lesson *lesson, char **ret)
{
	const char *given = psc_cli_option(lesson->cli, "output"), *slash;
	_cleanup_free_ char *directory = NULL;
	struct psc_list_entry first, entry;

	if (given) {
		*ret = strdup(given);
		return *ret ? 0 : -ENOMEM;
	}
	psc_list_get(lesson->list, 0, &first);
	slash = strchr(first.product, '/');
	for (size_t i = 1; psc_list_get(lesson->list, i, &entry) == 0; i++) {
		if (strncmp(entry.product, first.product, slash + 1 - first.product))
			return -EXDEV;
	}
	if (asprintf(&directory, PSC_PATH_CATALOG "/%.*s", (int)(slash - first.product),
		     first.product) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	mkdir(PSC_DIR_CONFIG, 0755);
	mkdir(PSC_PATH_CATALOG, 0755);
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (asprintf(ret, "%s/" LEARNED, directory) < 0) {
		*ret = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void learn_render(FILE *out, const json_t *data, bool colour)
{
	json_int_t left_out = psc_json_number(data, "left_out", 0);
	json_int_t unknown = psc_json_number(data, "unknown", 0);
	json_int_t undigested = psc_json_number(data, "undigested", 0);

	psc_output_count(out, psc_json_number(data, "learned", 0), "file", "files");
	fprintf(out, " learned, %" JSON_INTEGER_FORMAT " of them new in ",
		psc_json_number(data, "added", 0));
	psc_output_text(out, psc_json_text(data, "file", "?"));
	fputc('\n', out);
	if (left_out) {
		psc_output_count(out, left_out, "file", "files");
		fputs(" left out: empty, or no code (--all takes them, licences and all)\n", out);
	}
	if (unknown) {
		psc_output_count(out, unknown, "file", "files");
		fputs(" left out: no indicator tells the product (--product does)\n", out);
	}
	if (undigested) {
		psc_output_count(out, undigested, "file", "files");
		fputs(" left out: the package has no SHA-256 of them (learn the unpacked files)\n",
		      out);
	}
}

static int save(struct lesson *lesson)
{
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *backup = NULL;
	_cleanup_free_ char *path = NULL;
	enum psc_effect effect = PSC_EFFECT_NONE;
	struct psc_error error = {0};
	size_t added = 0;
	int r = output_path(lesson, &path);

	if (r == -EXDEV)
		return psc_cli_fail(lesson->cli, PSC_EXIT_INVALID,
				    "learn one vendor at a time, or give --output",
				    "the files are of several vendors");
	if (r < 0)
		return psc_cli_fail(lesson->cli, PSC_EXIT_FAILED,
				    r == -EACCES ? "run it as root, or give --output" : NULL,
				    "cannot write below %s: %s", PSC_PATH_CATALOG, strerror(-r));
	r = psc_list_file_add(path, lesson->list, &added, &backup, &error);
	if (r < 0)
		return psc_lists_fail(lesson->cli, path, r, &error);
	if (added && !psc_cli_option(lesson->cli, "output")) {
		r = psc_lists_apply(lesson->cli, path, backup, &effect);
		if (r != PSC_EXIT_OK)
			return r;
	}
	return psc_cli_report(
		lesson->cli, json_array_size(lesson->errors) ? PSC_EXIT_FAILED : PSC_EXIT_OK,
		json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:s,s:O}", "file", psc_json_safe(path),
			  "learned", (json_int_t)psc_list_count(lesson->list), "added",
			  (json_int_t)added, "left_out", (json_int_t)lesson->left_out, "unknown",
			  (json_int_t)lesson->unknown, "undigested", (json_int_t)lesson->undigested,
			  "effect", psc_effect_to_string(effect), "errors", lesson->errors),
		learn_render);
}

/* ---- the verb ---------------------------------------------------------------------------------- */

static int load(struct lesson *lesson)
{
	const struct psc_policy_places places = psc_policy_places_given(lesson->cli);
	struct psc_error error = {0};
	enum psc_role role;
	int r = psc_indicators_new(&lesson->indicators);

	for (size_t i = 0; i < ARRAY_SIZE(places.catalogs) && r >= 0; i++) {
		if (places.catalogs[i])
			r = psc_catalog_load(&lesson->catalog, places.catalogs[i], &error);
	}
	for (size_t i = 0; i < ARRAY_SIZE(places.catalogs) && r >= 0; i++) {
		if (places.catalogs[i])
			r = psc_indicators_load(lesson->indicators, &lesson->catalog,
						places.catalogs[i], &error);
	}
	if (r >= 0)
		r = psc_list_new(&lesson->list);
	if (r < 0)
		return psc_policy_fail(lesson->cli, r, &error);
	if (lesson->product && !psc_catalog_find(&lesson->catalog, lesson->product, &role))
		return psc_cli_fail(lesson->cli, PSC_EXIT_INVALID,
				    "proscribe catalog show lists products and roles",
				    "the catalog has no product or role \"%.80s\"",
				    lesson->product);
	return PSC_EXIT_OK;
}

static int run_lesson(struct lesson *lesson, int argc, char **argv)
{
	int r = load(lesson);

	if (r != PSC_EXIT_OK)
		return r;
	for (int i = 0; i < argc && r >= 0; i++)
		r = learn(lesson, argv[i]);
	if (r < 0) {
		if (!lesson->error.message[0])
			psc_error_set(&lesson->error, NULL, 0, 0, "%s", strerror(-r));
		return psc_cli_fail_at(lesson->cli, PSC_EXIT_FAILED, &lesson->error, NULL);
	}
	if (!psc_list_count(lesson->list))
		return psc_cli_fail(lesson->cli, PSC_EXIT_INVALID,
				    lesson->unknown ? "say which with --product VENDOR/PRODUCT"
						    : NULL,
				    lesson->unknown ? "no indicator tells which product it is"
						    : "nothing there holds code");
	return save(lesson);
}

static int learn_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(lesson_clear) struct lesson lesson = {
		.cli = cli,
		.product = psc_cli_option(cli, "product"),
		.all = psc_cli_option(cli, "all"),
		.errors = json_array(),
	};
	int r = run_lesson(&lesson, argc, argv);

	json_decref(lesson.errors);
	return r;
}

static const struct psc_option learn_options[] = {
	{"product", "PRODUCT", "VENDOR/PRODUCT or VENDOR/PRODUCT/ROLE (default: by indicators)"},
	{"all", NULL, "files that hold no code, too"},
	{"output", "FILE",
	 "list file to add to (default: " PSC_PATH_CATALOG "/VENDOR/" LEARNED ")"},
	PSC_POLICY_OPTIONS_CATALOG,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_catalog_learn = {
	.name = "catalog learn",
	.run = learn_run,
	.least_arguments = 1,
	.most_arguments = -1,
	.arguments = "FILE|PACKAGE|DIR...",
	.summary = "Adds the digests of a product's own files to the catalog",
	.options = learn_options,
	.help = "Of a package (.deb, .rpm) the package itself and the files that it installs; an\n"
		"rpm is not unpacked, its header has their digests. Of a directory everything below\n"
		"it on the same file system. Product and role come from the catalog's indicators\n"
		"unless --product says them. Files without code are left out: a licence or an icon\n"
		"may be in other products, too. The daemon reloads at once.\n\n"
		"Examples:\n"
		"  proscribe catalog learn kesl-12.4.0-1225.x86_64.rpm\n"
		"  proscribe catalog learn --product kaspersky/kvrt ./kvrt.run\n"
		"  proscribe catalog learn --output kesl.csv /mnt/image/opt/kaspersky\n",
};
