/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content.c - an open file to its facts, digests and findings. See internal.h.
 */
#include <errno.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/identify/archive.h"
#include "user/scan/internal.h"

#define HEAD_SIZE 512 /* enough for format.h and for psc_archive_detect() */

_Static_assert(HEAD_SIZE >= PSC_FORMAT_HEAD_SIZE, "the head tells the format");

void psc_content_clear(struct psc_content *content)
{
	psc_facts_clear(&content->facts);
	*content = (struct psc_content){0};
}

/* Of a path that no system call takes, its beginning is the place; its end is the name. */
static int add_path(struct psc_facts *facts, const char *path)
{
	if (!*path) /* the root itself */
		return 0;
	return psc_facts_add(facts, PSC_FACT_PATH, 0, path, strnlen(path, PSC_FACT_VALUE_MAX));
}

int psc_subject_facts(const struct psc_subject *subject, struct psc_facts *facts)
{
	const char *last = subject->inside ?: subject->path, *name = strrchr(last, '/');
	int r;

	/*
	 * What lies inside a file is judged by its place there, not by that of the file; what lies
	 * below the root of a system, by its place below that. A root within it counts as well.
	 */
	r = add_path(facts, subject->inside ?: subject->path + subject->base);
	if (r >= 0 && !subject->inside && subject->root > subject->base)
		r = add_path(facts, subject->path + subject->root);
	name = name ? name + 1 : last;
	if (r >= 0 && *name)
		r = psc_facts_add(facts, PSC_FACT_NAME, 0, name, strlen(name));
	return r;
}

/*
 * What a reader could not make out. A package that does not even tell its name might be any; of
 * another one only names of what is in it are missing, and a walk does not open it anyway.
 */
static void report_problems(struct psc_scan *scan, const struct psc_subject *subject,
			    const struct psc_content *content, size_t first)
{
	bool is_package = content->format == PSC_FORMAT_DEB || content->format == PSC_FORMAT_RPM;
	bool is_known = is_package && psc_facts_get(&content->facts, PSC_FACT_PACKAGE_NAME);
	bool problem = content->facts.truncated;

	for (size_t i = first; i < content->facts.count && !problem; i++)
		problem = content->facts.fact[i].kind == PSC_FACT_PROBLEM;
	if (!problem)
		return;
	if (is_package && !is_known)
		psc_scan_gap(scan, false, "damaged packages, or of a kind that is not read",
			     subject->path, subject->label);
	else if (is_known)
		psc_scan_gap(scan, true, "packages of which not all names inside were read",
			     subject->path, subject->label);
	else
		psc_scan_gap(scan, !content->facts.truncated,
			     content->facts.truncated
				     ? "files with more in them than is kept"
				     : "damaged files, looked into as far as they go",
			     subject->path, subject->label);
}

static int digest(struct psc_worker *worker, int fd, const struct stat *st,
		  const struct psc_subject *subject, struct psc_content *content)
{
	struct psc_scan *scan = worker->scan;
	struct psc_digests digests;
	bool too_large;
	unsigned int algos;
	uint64_t size = (uint64_t)st->st_size;
	int r;

	algos = psc_digest_plan_algos(&scan->plan, fd, content->format, size, &too_large);
	if (too_large)
		psc_scan_gap(scan, false, "too large to be digested", subject->path,
			     subject->label);
	if (!algos)
		return 0;
	r = psc_digester_run(&worker->digester, &scan->plan, fd, algos, size, &digests);
	if (r == -ESTALE) {
		struct stat now;

		if (fstat(fd, &now) == 0)
			r = psc_digester_run(&worker->digester, &scan->plan, fd, algos,
					     (uint64_t)now.st_size, &digests);
	}
	if (r == -ESTALE)
		psc_scan_gap(scan, false, "changed while it was read", subject->path,
			     subject->label);
	else if (r < 0 && r != -ENOMEM)
		psc_scan_gap_errno(scan, r, subject->path);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	PSC_COUNT(scan, digested, 1);
	PSC_COUNT(scan, digested_bytes, digests.bytes);
	content->hits = psc_digests_find(&scan->plan, &digests, content->hit);
	if (digests.algos & 1U << PSC_ALGO_SHA256) {
		char hex[2 * PSC_DIGEST_SIZE + 1];

		psc_hex_encode(digests.digest[PSC_ALGO_SHA256], PSC_DIGEST_SIZE, hex);
		return psc_facts_add(&content->facts, PSC_FACT_SHA256, 0, hex, strlen(hex));
	}
	return 0;
}

/* Modules are found by their names: to unpack every compressed file would take too long. */
static int identify(struct psc_scan *scan, int fd, uint64_t size, enum psc_format format,
		    struct psc_facts *facts)
{
	struct psc_identify_options options = scan->identify;
	const char *name = psc_facts_get(facts, PSC_FACT_NAME);
	int r;

	options.unpack_modules = name && strstr(name, ".ko.");
	if (format == PSC_FORMAT_RPM)
		pthread_mutex_lock(&scan->rpm);
	r = psc_identify_known(fd, size, format, &options, facts);
	if (format == PSC_FORMAT_RPM)
		pthread_mutex_unlock(&scan->rpm);
	return r;
}

/* They may carry an archive, but begin like none. */
static bool is_program(enum psc_format format)
{
	return format == PSC_FORMAT_ELF || format == PSC_FORMAT_PE || format == PSC_FORMAT_SCRIPT;
}

int psc_content_read(struct psc_worker *worker, int fd, const struct stat *st,
		     const struct psc_subject *subject, struct psc_content *ret)
{
	struct psc_scan *scan = worker->scan;
	uint8_t head[HEAD_SIZE];
	size_t first = ret->facts.count;
	ssize_t n = 0;
	int r;

	if (st->st_size) {
		do
			n = pread(fd, head, sizeof(head), 0);
		while (n < 0 && errno == EINTR);
	}
	if (n < 0) {
		psc_scan_gap_errno(scan, -errno, subject->path);
		return 0;
	}
	PSC_COUNT(scan, examined, 1);
	ret->format = psc_format_detect(head, (size_t)n);
	if (!is_program(ret->format))
		ret->archive = psc_archive_detect(head, (size_t)n);
	r = identify(scan, fd, (uint64_t)st->st_size, ret->format, &ret->facts);
	if (r < 0 && r != -ENOMEM) {
		psc_scan_gap_errno(scan, r, subject->path);
		r = 0;
	}
	/* what unpacks itself begins like a script */
	if (ret->format == PSC_FORMAT_SCRIPT)
		ret->archive = psc_facts_get(&ret->facts, PSC_FACT_ARCHIVE_OFFSET);
	if (ret->format != PSC_FORMAT_ANY)
		report_problems(scan, subject, ret, first);
	return r < 0 ? r : digest(worker, fd, st, subject, ret);
}

/* The facts of another name of the inode. */
static int reuse(struct psc_content *content, const struct psc_content *kept)
{
	int r = 0;

	for (size_t i = 0; i < kept->facts.count && r >= 0; i++) {
		const struct psc_fact *fact = &kept->facts.fact[i];

		r = psc_facts_add(&content->facts, fact->kind, fact->group, fact->value,
				  strlen(fact->value));
	}
	content->facts.groups = kept->facts.groups;
	content->format = kept->format;
	content->hits = kept->hits;
	memcpy(content->hit, kept->hit, sizeof(content->hit));
	return r;
}

static int look(struct psc_worker *worker, int fd, const struct stat *st,
		const struct psc_subject *subject, struct psc_content *content)
{
	struct psc_scan *scan = worker->scan;
	const struct psc_content *kept = NULL;
	size_t first = content->facts.count;
	unsigned int before = 0;
	int r = 0;

	if (subject->shared)
		r = psc_seen_visit(scan->seen, st->st_dev, st->st_ino, &before);
	if (r < 0)
		return r;
	if (before) {
		PSC_COUNT(scan, again, 1);
		kept = psc_seen_content(scan->seen, st->st_dev, st->st_ino);
	} else if (!subject->inside) {
		PSC_COUNT(scan, files, 1);
		PSC_COUNT(scan, bytes, (uint64_t)st->st_size);
	}
	if (kept)
		return reuse(content, kept);
	r = psc_content_read(worker, fd, st, subject, content);
	if (r >= 0 && subject->shared)
		psc_seen_keep(scan->seen, st->st_dev, st->st_ino, content, first);
	return r;
}

int psc_examine(struct psc_worker *worker, int fd, const struct stat *st,
		struct psc_subject *subject, enum psc_place place, bool open_archives)
{
	_cleanup_(psc_content_clear) struct psc_content content = {0};
	const char *name = strrchr(subject->inside ?: subject->path, '/');
	int r;

	subject->size = (uint64_t)st->st_size;
	r = psc_subject_facts(subject, &content.facts);
	if (r >= 0)
		r = look(worker, fd, st, subject, &content);
	subject->format = content.format;
	if (r >= 0)
		r = psc_scan_judge(worker->scan, subject, &content.facts, content.hit, content.hits,
				   NULL);
	if (r >= 0 && place != PSC_PLACE_NONE && name)
		r = psc_place_read(worker, fd, subject, place, name + 1);
	if (r < 0)
		return r;
	/* a zip behind a program is found from its end, which only the walk looks at */
	if (content.format == PSC_FORMAT_DEB || content.format == PSC_FORMAT_RPM)
		subject->package = &content.facts;
	if (open_archives && (content.archive || content.format == PSC_FORMAT_ELF ||
			      content.format == PSC_FORMAT_PE))
		return psc_contain_archive(worker, fd, subject);
	if (!content.archive)
		return 0;
	PSC_COUNT(worker->scan, unopened, 1);
	psc_scan_gap(worker->scan, true, "archives and compressed files, content not opened",
		     subject->path, subject->label);
	return 0;
}
