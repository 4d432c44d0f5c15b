/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_feed.c - what the resolver found into PSC_PATH_FOUND and into force, and the records
 * about it; see resolver_internal.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <sys/stat.h>

#include "user/core/hex.h"
#include "user/core/json.h"
#include "user/core/list_edit.h"
#include "user/core/durable.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define FEED_MAX  20000 /* digests of one activation */
#define FOUND_MAX 50000 /* of the file: that of a host with every product has some thousands */
#define TRIES_MAX 16	/* after refusals by the interlock, of one batch */

#define LIMIT_WINDOW (60 * PSC_NSEC_PER_SEC)
#define LIMIT_MOST   60 /* records in it */

/* ---- what is held back ------------------------------------------------------------------ */

static const struct {
	const char *type, *message;
} limited[PSC_RESOLVER_LIMITS] = {
	[PSC_RESOLVER_LIMIT_UNVERIFIED] = {"found_unverified", "could not be identified"},
	[PSC_RESOLVER_LIMIT_HELD] = {"found_held",
				     "look like listed products, but are not guarded"},
};

static void record_more(struct psc_daemon *daemon, enum psc_resolver_limited what, uint64_t more)
{
	json_t *record;

	if (psc_journal_record(daemon, limited[what].type, &record) < 0)
		return;
	psc_record_message(record, "%llu more files %s", (unsigned long long)more,
			   limited[what].message);
	psc_record_failed(record);
	psc_record_set(record, "files", json_integer(more));
	psc_journal_write(daemon, record);
}

void psc_resolver_record_more(struct psc_daemon *daemon, bool all)
{
	uint64_t now = psc_time_boot();

	for (unsigned int i = 0; i < PSC_RESOLVER_LIMITS; i++) {
		struct psc_resolver_limit *limit = &daemon->resolver->limits[i];

		if (!all && now < limit->window_ns + LIMIT_WINDOW)
			continue;
		if (limit->more)
			record_more(daemon, i, limit->more);
		*limit = (struct psc_resolver_limit){.window_ns = now};
	}
}

bool psc_resolver_may_record(struct psc_daemon *daemon, enum psc_resolver_limited what)
{
	struct psc_resolver_limit *limit = &daemon->resolver->limits[what];

	psc_resolver_record_more(daemon, false);
	if (limit->said++ < LIMIT_MOST)
		return true;
	limit->more++;
	return false;
}

static const char *reason_of(enum psc_found_outcome outcome)
{
	switch (outcome) {
	case PSC_FOUND_TOO_LARGE:
		return "it is larger than what is digested (hash_limit)";
	case PSC_FOUND_CONFIDENCE:
		return "the indicators prove too little (resolver: confidence)";
	case PSC_FOUND_LINK:
		return "only a link in a listed place leads there";
	case PSC_FOUND_ESSENTIAL:
		return "the host needs this content";
	case PSC_FOUND_DISTRIBUTION:
		return "its content is that of a package of the distribution";
	case PSC_FOUND_EXEMPT:
		return "an active profile exempts the product";
	case PSC_FOUND_PLACE:
		return "place or name alone speak for it, and others than root can give a file "
		       "these";
	case PSC_FOUND_UNVERIFIED:
		return "it could not be read";
	default:
		return NULL;
	}
}

/* Recognised and not guarded: said once, with the reason. */
void psc_resolver_record_held(struct psc_daemon *daemon, const struct psc_resolver_result *result)
{
	const char *reason = reason_of(result->outcome);
	json_t *record;

	if (!reason ||
	    psc_resolver_said(daemon->resolver, psc_found_outcome_to_string(result->outcome),
			      result->path, result->size) ||
	    !psc_resolver_may_record(daemon, PSC_RESOLVER_LIMIT_HELD) ||
	    psc_journal_record(daemon, "found_held", &record) < 0)
		return;
	psc_record_message(record, "%s looks like %s, but is not guarded by its content: %s",
			   result->path, result->product, reason);
	psc_record_set_string(record, "path", result->path);
	psc_record_set_string(record, "product", result->product);
	psc_record_set_string(record, "rule", result->rule);
	psc_record_set_string(record, "confidence", psc_confidence_to_string(result->confidence));
	psc_record_set_string(record, "reason", psc_found_outcome_to_string(result->outcome));
	psc_journal_write(daemon, record);
}

/* ---- what is pending ------------------------------------------------------------------- */

void psc_resolver_feed_drop(struct psc_resolver *resolver)
{
	resolver->additions = psc_list_free(resolver->additions);
	free(resolver->changed);
	resolver->changed = NULL;
	resolver->changed_count = resolver->pending = resolver->feed_tries = 0;
}

static void see_found(struct psc_daemon *daemon, const struct psc_list_entry *entry)
{
	char digest[2 * PSC_DIGEST_SIZE + 1];

	psc_hex_encode(entry->digest, PSC_DIGEST_SIZE, digest);
	psc_sightings_see(daemon, &(struct psc_sighting){.product = entry->product,
							 .how = "found",
							 .path = entry->name,
							 .digest = digest,
							 .at = psc_time_now()});
}

static void record_feed(struct psc_daemon *daemon, size_t added)
{
	const struct psc_list *list = daemon->resolver->additions;
	struct psc_list_entry entry;
	json_t *record, *files;

	if (psc_journal_record(daemon, "found", &record) < 0)
		return;
	psc_record_message(record,
			   "%zu files of listed products were found, their content is "
			   "guarded from generation %llu on",
			   added, (unsigned long long)daemon->policy.generation);
	files = json_array();
	for (size_t i = 0; i < 32 && !psc_list_get(list, i, &entry); i++) {
		char digest[2 * PSC_DIGEST_SIZE + 1];

		psc_hex_encode(entry.digest, PSC_DIGEST_SIZE, digest);
		json_array_append_new(files, json_pack("{s:s, s:s, s:s, s:s}", "path", entry.name,
						       "sha256", digest, "product", entry.product,
						       "source", entry.source));
	}
	for (size_t i = 0; !psc_list_get(list, i, &entry); i++)
		see_found(daemon, &entry);
	psc_record_set(record, "files", files);
	psc_record_set(record, "added", json_integer(added));
	psc_record_set(record, "generation", json_integer(daemon->policy.generation));
	psc_record_set_string(record, "list", PSC_PATH_FOUND);
	psc_journal_write(daemon, record);
}

static void record_failure(struct psc_daemon *daemon, const struct psc_error *error)
{
	char text[640];
	json_t *record;

	psc_say("what was found cannot be put into force: %s",
		psc_error_format(error, text, sizeof(text)));
	if (psc_journal_record(daemon, "found_refused", &record) < 0)
		return;
	psc_record_message(record, "what was found cannot be put into force: %s", text);
	psc_record_failed(record);
	psc_journal_write(daemon, record);
}

static void measure(struct psc_resolver *resolver)
{
	uint64_t now = psc_time_now();

	for (size_t i = 0; i < resolver->changed_count; i++) {
		/* a clock that was set meanwhile tells nothing */
		if (resolver->changed[i] < now &&
		    now - resolver->changed[i] < 600 * PSC_NSEC_PER_SEC)
			psc_latency_add(&resolver->latency, now - resolver->changed[i]);
	}
}

/* ---- what the interlock refuses --------------------------------------------------------- */

static bool is_objected(const json_t *objections, const char *digest)
{
	const json_t *one;
	size_t i;

	json_array_foreach(objections, i, one) {
		const char *text = json_string_value(json_object_get(one, "digest"));

		if (text && !strcmp(text, digest))
			return true;
	}
	return false;
}

static void remember_refused(struct psc_resolver *resolver, const uint8_t *digest)
{
	memcpy(resolver->refused_digest[resolver->refused_count++ % PSC_RESOLVER_REFUSED_MAX],
	       digest, PSC_DIGEST_SIZE);
}

static bool is_refused(const struct psc_resolver *resolver, const uint8_t *digest)
{
	for (size_t i = 0; i < resolver->refused_count && i < PSC_RESOLVER_REFUSED_MAX; i++) {
		if (memcmp(resolver->refused_digest[i], digest, PSC_DIGEST_SIZE) == 0)
			return true;
	}
	return false;
}

static void record_refused(struct psc_daemon *daemon, const struct psc_list_entry *entry)
{
	json_t *record;

	if (psc_journal_record(daemon, "found_held", &record) < 0)
		return;
	psc_record_message(record,
			   "%s looks like %s, but is not guarded by its content: the interlock "
			   "refuses it, the host needs this content",
			   entry->name, entry->product);
	psc_record_set_string(record, "path", entry->name);
	psc_record_set_string(record, "product", entry->product);
	psc_record_set_string(record, "reason", psc_found_outcome_to_string(PSC_FOUND_ESSENTIAL));
	psc_journal_write(daemon, record);
}

/*
 * Takes out of the additions what the interlock objected to; the others are fed without. False
 * when none of these is the reason.
 */
static bool leave_out_refused(struct psc_daemon *daemon)
{
	_cleanup_(psc_list_freep) struct psc_list *rest = NULL;
	struct psc_resolver *resolver = daemon->resolver;
	struct psc_list_entry entry;
	struct psc_error error;
	size_t left_out = 0, kept = 0;

	if (!daemon->objections || psc_list_new(&rest) < 0)
		return false;
	for (size_t i = 0; !psc_list_get(resolver->additions, i, &entry); i++) {
		char digest[2 * PSC_DIGEST_SIZE + 1];

		psc_hex_encode(entry.digest, PSC_DIGEST_SIZE, digest);
		if (is_objected(daemon->objections, digest)) {
			left_out++;
			remember_refused(resolver, entry.digest);
			record_refused(daemon, &entry);
		} else if (!psc_list_append(rest, &entry, &error)) {
			kept++;
		}
	}
	if (!left_out)
		return false;
	psc_list_free(resolver->additions);
	resolver->additions = TAKE_PTR(rest);
	resolver->pending = kept;
	return true;
}

/* ---- additions -------------------------------------------------------------------------- */

static int add_pending(struct psc_resolver *resolver, const struct psc_resolver_result *result)
{
	const struct psc_found_file file = {
		.path = result->path,
		.product = result->product,
		.role = result->role,
		.confidence = result->confidence,
		.rule = result->rule,
		.version = result->version,
		.format = result->format,
		.size = result->size,
		.digest = result->digest,
	};
	struct psc_error error = {};
	uint64_t *grown;
	int r = 0;

	if (!resolver->additions)
		r = psc_list_new(&resolver->additions);
	if (!r)
		r = psc_found_append(resolver->additions, &file, psc_time_now(), &error);
	if (r < 0)
		return r;
	resolver->pending++;
	if (!result->fresh)
		return 0;
	grown = reallocarray(resolver->changed, resolver->changed_count + 1, sizeof(*grown));
	if (!grown)
		return 0;
	resolver->changed = grown;
	grown[resolver->changed_count++] = result->changed_ns;
	return 0;
}

static bool is_same_product(const char *text, const char *product)
{
	size_t length = strlen(product);

	return strncmp(text, product, length) == 0 && (!text[length] || text[length] == '/');
}

/* Its line in the file says another product; that is taken out, since a digest has one. */
bool psc_resolver_renames(struct psc_daemon *daemon, const struct psc_resolver_result *result)
{
	const struct psc_list *list = daemon->policy.list;
	const struct psc_product *product;
	struct psc_list_entry entry;
	struct psc_list_file file;
	struct psc_error error;
	enum psc_role role;

	product = psc_catalog_find(&daemon->policy.set.catalog, result->product, &role);
	if (!product || strcmp(product->class, PSC_CLASS_EMBEDDED) != 0)
		return false;
	for (size_t i = 0; !psc_list_get(list, i, &entry); i++) {
		if (psc_list_file(list, entry.file, &file) < 0 ||
		    strcmp(file.path, PSC_PATH_FOUND) != 0 ||
		    memcmp(entry.digest, result->digest, PSC_DIGEST_SIZE) != 0)
			continue;
		return !is_same_product(entry.product, result->product) &&
		       psc_list_file_remove(PSC_PATH_FOUND, PSC_ALGO_SHA256, result->digest, NULL,
					    NULL, &error) == 0;
	}
	return false;
}

/* How many stand in the file, as far as it is in force. */
static size_t found_count(const struct psc_daemon *daemon)
{
	const struct psc_list *list = daemon->policy.list;
	struct psc_list_file file;

	for (size_t i = 0; !psc_list_file(list, i, &file); i++) {
		if (!strcmp(file.path, PSC_PATH_FOUND))
			return file.entries;
	}
	return 0;
}

static void record_full(struct psc_daemon *daemon)
{
	json_t *record;

	if (daemon->resolver->full_said || psc_journal_record(daemon, "found_full", &record) < 0)
		return;
	daemon->resolver->full_said = true;
	psc_record_message(record,
			   PSC_PATH_FOUND " has %d lines: what is found from now on is not guarded "
					  "by its content",
			   FOUND_MAX);
	psc_record_failed(record);
	psc_journal_write(daemon, record);
}

enum psc_found_outcome psc_resolver_add(struct psc_daemon *daemon,
					const struct psc_resolver_result *result)
{
	struct psc_resolver *resolver = daemon->resolver;

	if (is_refused(resolver, result->digest))
		return PSC_FOUND_ESSENTIAL;
	if (found_count(daemon) + resolver->pending >= FOUND_MAX) {
		record_full(daemon);
		return PSC_FOUND_FULL;
	}
	/* the rest of a run comes with the next one, which this asks for */
	if (resolver->pending >= FEED_MAX) {
		psc_resolver_ask(daemon);
		return PSC_FOUND_UNVERIFIED;
	}
	return add_pending(resolver, result) < 0 ? PSC_FOUND_UNVERIFIED : PSC_FOUND_FED;
}

/* ---- into force ------------------------------------------------------------------------- */

static void fed(struct psc_daemon *daemon, size_t added)
{
	struct psc_resolver *resolver = daemon->resolver;

	resolver->activations++;
	if (!resolver->pending)
		return;
	record_feed(daemon, added);
	measure(resolver);
	psc_resolver_feed_drop(resolver);
	psc_resolver_begin_late(daemon);
}

static int activate(struct psc_daemon *daemon, size_t *ret_added,
		    struct psc_list_backup **ret_backup, struct psc_error *reterr)
{
	struct psc_resolver *resolver = daemon->resolver;
	int r;

	psc_durable_directory(PSC_DIR_STATE, PSC_DIR_STATE_MODE);
	r = resolver->pending ? psc_list_file_add(PSC_PATH_FOUND, resolver->additions, ret_added,
						  ret_backup, reterr)
			      : 0;
	if (r < 0)
		return r;
	/* what is in the file already is not in force, or it would not be pending */
	resolver->activating = true;
	r = psc_daemon_reload(daemon, "resolver", reterr);
	resolver->activating = false;
	/* what was refused is not tried again before something changes */
	resolver->places = false;
	return r;
}

/*
 * Writes what is pending and puts it into force. A policy that is refused for another reason
 * than these digests leaves them in the file: the next reload brings them. Where some of them are
 * the reason (interlock), the file becomes what it was, and the others are fed without these.
 */
void psc_resolver_feed(struct psc_daemon *daemon)
{
	_cleanup_(psc_list_backup_freep) struct psc_list_backup *backup = NULL;
	struct psc_resolver *resolver = daemon->resolver;
	struct psc_error error = {};
	uint64_t begin = psc_time_boot(), end;
	size_t added = 0;
	int r;

	if ((!resolver->pending && !resolver->places) || begin < resolver->feed_from_ns)
		return;
	r = activate(daemon, &added, &backup, &error);
	/* where a reload takes long the daemon shall be busy with others half of the time */
	end = psc_time_boot();
	resolver->feed_from_ns =
		begin + (2 * (end - begin) > PSC_RESOLVER_FEED_GAP ? 2 * (end - begin)
								   : PSC_RESOLVER_FEED_GAP);
	resolver->failed = error;
	if (!r) {
		fed(daemon, added);
		return;
	}
	if (r == -EPERM && backup && leave_out_refused(daemon)) {
		psc_list_file_restore(PSC_PATH_FOUND, backup, NULL);
		if (resolver->feed_tries++ < TRIES_MAX) {
			resolver->failed = (struct psc_error){};
			return;
		}
	}
	record_failure(daemon, &error);
	psc_resolver_feed_drop(resolver);
}
