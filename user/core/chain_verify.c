/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain_verify.c - see chain_verify.h. Lines are looked at as bytes: what a record says is of no
 * interest here.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include <zlib.h>

#include "user/core/util.h"
#include "user/core/auditlog.h"
#include "user/core/auditlog_names.h"
#include "user/core/chain_verify.h"
#include "user/core/digest.h"
#include "user/core/hex.h"
#include "user/core/names.h"

/* Where a record stands. */
struct where {
	const char *file;
	unsigned int line;
};

struct verifier {
	const struct psc_chain_verify_options *options;
	struct psc_chain_report *report;
	struct psc_hasher *hasher;
	struct where last; /* the record before */
	const char *name;  /* of the file that is read */
	unsigned int line;
	bool new_file; /* no record of it has been read */
	char buffer[4 * PSC_AUDITLOG_LINE_MAX];
};

static const char *const fault_names[PSC_CHAIN_FAULT_MAX] = {
	[PSC_CHAIN_INTACT] = "intact",
	[PSC_CHAIN_DAMAGED] = "damaged",
	[PSC_CHAIN_EDITED] = "edited",
	[PSC_CHAIN_MISSING] = "missing",
	[PSC_CHAIN_FILE_MISSING] = "file_missing",
	[PSC_CHAIN_MISPLACED] = "misplaced",
	[PSC_CHAIN_SIGNATURE] = "signature",
	[PSC_CHAIN_ANCHOR] = "anchor",
	[PSC_CHAIN_CUT] = "cut",
	[PSC_CHAIN_UNREADABLE] = "unreadable",
};

const char *psc_chain_fault_to_string(unsigned int fault)
{
	return psc_name_of(fault_names, PSC_CHAIN_FAULT_MAX, fault);
}

/* ---- anchors --------------------------------------------------------------------------------- */

#define ANCHOR_WORD "proscribe-anchor 1 "

int psc_chain_anchor_format(const struct psc_chain_anchor *anchor, const char *host,
			    const char *time, char buffer[PSC_CHAIN_ANCHOR_TEXT_MAX])
{
	char head[2 * PSC_DIGEST_SIZE + 1];
	int n;

	psc_hex_encode(anchor->head, PSC_DIGEST_SIZE, head);
	n = snprintf(buffer, PSC_CHAIN_ANCHOR_TEXT_MAX, ANCHOR_WORD "%" PRIu64 " %s %s %s",
		     anchor->sequence, head, host, time);
	return n < 0 || n >= PSC_CHAIN_ANCHOR_TEXT_MAX ? -E2BIG : 0;
}

int psc_chain_anchor_parse(const char *line, struct psc_chain_anchor *ret)
{
	struct psc_chain_anchor anchor;
	char *end;

	if (strncmp(line, ANCHOR_WORD, strlen(ANCHOR_WORD)))
		return -EINVAL;
	line += strlen(ANCHOR_WORD);
	if (*line < '1' || *line > '9')
		return -EINVAL;
	errno = 0;
	anchor.sequence = strtoull(line, &end, 10);
	if (errno || *end != ' ')
		return -EINVAL;
	end++;
	if (strnlen(end, 2 * PSC_DIGEST_SIZE) < 2 * PSC_DIGEST_SIZE ||
	    psc_hex_decode(end, 2 * PSC_DIGEST_SIZE, anchor.head, PSC_DIGEST_SIZE, NULL) < 0)
		return -EINVAL;
	end += 2 * PSC_DIGEST_SIZE;
	if (*end && *end != ' ' && *end != '\n')
		return -EINVAL;
	*ret = anchor;
	return 0;
}

/* ---- records --------------------------------------------------------------------------------- */

/* What ends the reading: 1. */
static int found(struct verifier *v, enum psc_chain_fault fault)
{
	v->report->fault = fault;
	return 1;
}

static int complain_here(struct verifier *v, enum psc_chain_fault fault, const char *what)
{
	psc_error_set(&v->report->place, v->name, v->line, 0, "%s", what);
	return found(v, fault);
}

/* The link does not follow on the record before. */
static int broken(struct verifier *v, const struct psc_chain_link *link)
{
	const struct psc_chain *end = &v->report->end;
	struct psc_error *place = &v->report->place;

	if (link->sequence <= end->sequence) {
		psc_error_set(place, v->name, v->line, 0,
			      "record %" PRIu64 " follows on record %" PRIu64
			      ": it was put in, repeated or moved",
			      link->sequence, end->sequence);
		return found(v, PSC_CHAIN_MISPLACED);
	}
	if (link->sequence > end->sequence + 1) {
		psc_error_set(place, v->name, v->line, 0,
			      "records %" PRIu64 " to %" PRIu64 " are missing, behind %s:%u",
			      end->sequence + 1, link->sequence - 1, v->last.file, v->last.line);
		return found(v, v->new_file ? PSC_CHAIN_FILE_MISSING : PSC_CHAIN_MISSING);
	}
	psc_error_set(place, v->last.file, v->last.line, 0,
		      "record %" PRIu64 " is not the one that record %" PRIu64
		      " (%s:%u) was chained to: one of them was changed",
		      end->sequence, link->sequence, v->name, v->line);
	return found(v, PSC_CHAIN_EDITED);
}

static int check_signature(struct verifier *v, const struct psc_chain_link *link)
{
	for (size_t i = 0; i < v->options->key_count; i++) {
		int r = psc_chain_check(v->options->keys[i], link);

		if (r == -ENOKEY)
			continue;
		if (r < 0)
			return complain_here(v, PSC_CHAIN_SIGNATURE,
					     "the signature is not the key's");
		v->report->signatures++;
		v->report->last_signed = link->sequence - 1;
		return 0;
	}
	if (!v->options->key_count) {
		v->report->unchecked++;
		return 0;
	}
	return complain_here(v, PSC_CHAIN_SIGNATURE, "signed with another key than those given");
}

static int check_anchors(struct verifier *v)
{
	const struct psc_chain *end = &v->report->end;

	for (size_t i = 0; i < v->options->anchor_count; i++) {
		const struct psc_chain_anchor *anchor = &v->options->anchors[i];

		if (anchor->sequence != end->sequence)
			continue;
		if (memcmp(anchor->head, end->head, PSC_DIGEST_SIZE))
			return complain_here(v, PSC_CHAIN_ANCHOR,
					     "the record is not the one that was anchored: the log "
					     "up to here was rewritten");
		v->report->anchors++;
	}
	return 0;
}

/* A line without its newline. 1: a fault. */
static int take_line(struct verifier *v, const char *line, size_t size)
{
	struct psc_chain_report *report = v->report;
	struct psc_chain_link link;
	int r;

	v->line++;
	if (size >= PSC_AUDITLOG_LINE_MAX || psc_chain_parse(line, size, &link) < 0)
		return complain_here(v, PSC_CHAIN_DAMAGED, "not a record of the chain");
	if (!report->first_sequence) {
		report->first_sequence = link.sequence;
		report->end.sequence = link.sequence - 1;
		memcpy(report->end.head, link.previous, PSC_DIGEST_SIZE);
		/* the record before it may be one that was anchored */
		r = check_anchors(v);
		if (r)
			return r;
	}
	if (link.sequence != report->end.sequence + 1 ||
	    memcmp(link.previous, report->end.head, PSC_DIGEST_SIZE))
		return broken(v, &link);
	if (link.has_signature) {
		r = check_signature(v, &link);
		if (r)
			return r;
	}
	r = psc_chain_advance(&report->end, v->hasher, line, size);
	if (r < 0)
		return r;
	report->records++;
	v->last = (struct where){v->name, v->line};
	v->new_file = false;
	return check_anchors(v);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void close_gz(gzFile *file)
{
	if (*file)
		gzclose_r(*file);
}

/* Plain files go through as they are. */
static gzFile open_file(const char *directory, const char *name)
{
	_cleanup_free_ char *path = NULL;
	gzFile file;
	struct stat st;
	int fd;

	if (asprintf(&path, "%s/%s", directory, name) < 0) {
		path = NULL;
		return NULL;
	}
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	file = gzdopen(fd, "rb");
	if (!file)
		close(fd);
	else
		gzbuffer(file, 1 << 17);
	return file;
}

/* Lines of what is in the buffer; the rest moves to its beginning. Returns how much that is. */
static int take_lines(struct verifier *v, size_t filled, size_t *ret_rest)
{
	size_t begin = 0;
	int r = 0;

	while (!r) {
		char *newline = memchr(v->buffer + begin, '\n', filled - begin);

		if (!newline)
			break;
		r = take_line(v, v->buffer + begin, (size_t)(newline - v->buffer) - begin);
		begin = (size_t)(newline - v->buffer) + 1;
	}
	memmove(v->buffer, v->buffer + begin, filled - begin);
	*ret_rest = filled - begin;
	return r;
}

static int verify_file(struct verifier *v, const char *directory)
{
	_cleanup_(close_gz) gzFile file = open_file(directory, v->name);
	size_t filled = 0;
	int r = 0;

	if (!file)
		return complain_here(v, PSC_CHAIN_UNREADABLE, "cannot be read");
	while (!r) {
		int n = gzread(file, v->buffer + filled,
			       (unsigned int)(sizeof(v->buffer) - filled));

		if (n < 0)
			return complain_here(v, PSC_CHAIN_UNREADABLE,
					     "the compressed file is damaged");
		if (!n)
			break;
		v->report->bytes += (uint64_t)n;
		r = take_lines(v, filled + (size_t)n, &filled);
		if (!r && filled == sizeof(v->buffer)) {
			v->line++;
			return complain_here(v, PSC_CHAIN_DAMAGED, "a line without an end");
		}
	}
	if (!r && filled) {
		v->line++;
		return complain_here(v, PSC_CHAIN_DAMAGED, "an incomplete last line");
	}
	return r;
}

/* Anchors that no record was met for. */
static void look_for_cut(struct verifier *v)
{
	struct psc_chain_report *report = v->report;

	for (size_t i = 0; i < v->options->anchor_count; i++) {
		const struct psc_chain_anchor *anchor = &v->options->anchors[i];

		if (anchor->sequence + 1 < report->first_sequence) {
			report->anchors_below++;
		} else if (anchor->sequence > report->end.sequence && !report->fault) {
			psc_error_set(&report->place, v->last.file, v->last.line, 0,
				      "the log ends with record %" PRIu64 ", but record %" PRIu64
				      " was anchored",
				      report->end.sequence, anchor->sequence);
			report->fault = PSC_CHAIN_CUT;
		}
	}
}

int psc_chain_verify(const char *directory, const struct psc_chain_verify_options *options,
		     struct psc_chain_report *ret)
{
	_cleanup_(psc_auditlog_names_clear) struct psc_auditlog_names names = {};
	struct psc_chain_report report = {};
	_cleanup_(psc_hasher_freep) struct psc_hasher *hasher = NULL;
	_cleanup_free_ struct verifier *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->options = options;
	v->report = &report;
	r = psc_hasher_new(&hasher);
	v->hasher = hasher;
	if (!r)
		r = psc_auditlog_names_read(directory, &names);
	for (size_t i = 0; i < names.count && !r; i++) {
		v->name = names.names[i];
		v->line = 0;
		v->new_file = true;
		report.files++;
		r = verify_file(v, directory);
	}
	if (r < 0)
		return r;
	look_for_cut(v);
	*ret = report;
	return 0;
}
