/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verb_explain.c - `proscribe explain FILE|PID|DIGEST`: what is known of it, by which indicators
 * it is recognised, what each active profile says of it, and which evidence is missing. Works
 * without daemon; without root as far as files can be read.
 */
#include <errno.h>

#include "user/cli/explain.h"
#include "user/cli/lists.h"
#include "user/core/hex.h"
#include "user/core/names.h"
#include "user/identify/identify.h"
#include "user/identify/marker.h"
#include "user/identify/signer.h"

struct explanation {
	struct psc_cli *cli;
	struct psc_policy_host host;
	struct psc_explain_knowledge known;
	struct psc_indicators *indicators;
	struct psc_image *image;
	uint64_t now;
	uint64_t at; /* == now unless --at */
	json_t *things;
	json_t *errors;
	bool found; /* something is recognised, listed or refused */
};

static void explanation_clear(struct explanation *e)
{
	psc_markers_free(e->known.markers);
	psc_trust_free(e->known.trust);
	psc_indicators_free(e->indicators);
	psc_image_free(e->image);
	psc_policy_host_clear(&e->host);
}

static int load_knowledge(struct explanation *e, struct psc_error *reterr)
{
	const struct psc_catalog *catalog = &e->host.set.catalog;
	int r = psc_indicators_new(&e->indicators);

	for (size_t i = 0; i < ARRAY_SIZE(e->host.places.catalogs) && r >= 0; i++) {
		if (e->host.places.catalogs[i])
			r = psc_indicators_load(e->indicators, catalog, e->host.places.catalogs[i],
						reterr);
	}
	if (r >= 0)
		r = psc_markers_new(psc_indicators_markers(e->indicators), &e->known.markers);
	if (r >= 0)
		r = psc_trust_new_host(NULL, false, &e->known.trust, reterr);
	e->known.indicators = e->indicators;
	return r;
}

static int load(struct explanation *e)
{
	uint64_t earlier = e->at < e->now ? e->at : e->now;
	struct psc_error error = {0};
	int r = psc_policy_host_load(e->cli, earlier, &e->host, &error);

	if (r >= 0)
		r = psc_policy_compile(e->cli, &e->host, &e->image, &error);
	if (r >= 0)
		r = load_knowledge(e, &error);
	return r < 0 ? psc_policy_fail(e->cli, r, &error) : PSC_EXIT_OK;
}

/* ---- one thing as JSON --------------------------------------------------------------------- */

static json_t *facts_json(const struct psc_facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->count; i++) {
		const struct psc_fact *fact = &facts->fact[i];
		json_t *json = json_pack("{s:s,s:o}", "fact", psc_fact_to_string(fact->kind),
					 "value", psc_json_safe(fact->value));

		if (fact->group)
			json_object_set_new(json, "signer", json_integer(fact->group));
		json_array_append_new(array, json);
	}
	return array;
}

static json_t *indicator_json(const struct psc_indicator *indicator)
{
	json_t *conditions = json_array();

	for (size_t i = 0; i < indicator->conditions; i++) {
		const struct psc_condition *c = &indicator->condition[i];

		json_array_append_new(conditions, json_pack("{s:s,s:s,s:o}", "fact",
							    psc_fact_to_string(c->fact), "match",
							    psc_match_to_string(c->match), "value",
							    psc_json_safe(c->value)));
	}
	return json_pack("{s:o,s:o,s:s,s:s,s:o,s:o}", "rule", psc_json_safe(indicator->id),
			 "product", psc_json_safe(indicator->product), "role",
			 psc_role_to_string(indicator->role), "confidence",
			 psc_confidence_to_string(indicator->confidence), "source",
			 psc_policy_cite_json(&indicator->cite), "conditions", conditions);
}

static json_t *matches_json(const struct psc_matches *matches)
{
	json_t *array = json_array();

	for (size_t i = 0; i < matches->count; i++)
		json_array_append_new(array, indicator_json(matches->rule[i]));
	return array;
}

/* The compiled record that the kernel would find for the thing; NULL: none. */
static const struct psc_digest_record *listed_as(const struct explanation *e,
						 const struct psc_explained *thing, json_t *json)
{
	const struct psc_digest_record *record;
	struct psc_list_entry entry;

	if (!thing->has_digest)
		return NULL;
	if (psc_list_find(e->host.list, thing->digest, &entry) == 0)
		json_object_set_new(json, "entry", psc_list_entry_to_json(e->host.list, &entry));
	record = psc_policy_lookup(e->image, thing->digest);
	if (record && record->size && thing->size && record->size != thing->size) {
		json_object_set_new(json, "size_mismatch", json_integer(record->size));
		return NULL;
	}
	return record;
}

static void missing(json_t *array, const char *what, const char *remedy)
{
	json_array_append_new(array, json_pack("{s:s,s:s}", "what", what, "remedy", remedy));
}

static bool is_signed_by(const struct psc_facts *facts, enum psc_signer state)
{
	for (size_t i = 0; i < facts->count; i++) {
		if (facts->fact[i].kind == PSC_FACT_SIGNER_STATE &&
		    strcmp(facts->fact[i].value, psc_signer_to_string(state)) == 0)
			return true;
	}
	return false;
}

static bool judged_as(const json_t *judged, const char *status)
{
	const json_t *operation, *reason;
	size_t i, k;

	json_array_foreach(psc_json_at(judged, "operations"), i, operation) {
		json_array_foreach(psc_json_at(operation, "reasons"), k, reason) {
			if (strcmp(psc_json_text(reason, "status", ""), status) == 0)
				return true;
		}
	}
	return false;
}

/* What would have to be known for a firmer answer. */
static json_t *missing_json(const struct psc_explained *thing, bool listed, const json_t *judged,
			    const json_t *evidence)
{
	json_t *array = json_array();

	if (!listed && thing->matches.count && thing->has_digest)
		missing(array, "no list has its digest, so the kernel does not know it",
			"the daemon's resolver lists what it finds installed; else: proscribe list add "
			"--product PRODUCT FILE");
	if (!listed && !thing->matches.count && strcmp(thing->kind, "digest") == 0)
		missing(array, "no list has the digest; a digest alone says nothing else",
			"proscribe explain FILE looks into the file");
	if (psc_facts_get(&thing->facts, PSC_FACT_SIGNER_STATE) &&
	    !is_signed_by(&thing->facts, PSC_SIGNER_TRUSTED))
		missing(array,
			"its signature is not trusted here: whoever made it may have written "
			"any name into the certificate",
			"put the certificate authority into /etc/proscribe/trust.d if it is to be "
			"trusted");
	if (judged_as(judged, psc_status_to_string(PSC_STATUS_COVERED_NEW)))
		missing(array,
			json_array_size(psc_json_at(evidence, "items"))
				? "no decision says that this installation was there before the order"
				: "nothing shows since when it is here, and no decision says so",
			"proscribe decide, if evidence shows that it was there before the order");
	if (thing->facts.truncated)
		missing(array, "it holds more than is looked at: what was not found may be there",
			"");
	return array;
}

/* Who the kernel takes it for; else who the catalog does. */
static bool subject_of(const struct explanation *e, const struct psc_explained *thing,
		       const struct psc_digest_record *record, struct psc_subject *ret)
{
	*ret = (struct psc_subject){0};
	if (record) {
		const struct psc_image_subject *subject = &e->image->subjects[record->subject];

		ret->text = subject->product;
		ret->product = psc_catalog_find(&e->host.set.catalog, subject->product, &ret->role);
		ret->site = subject->site;
		return true;
	}
	if (!thing->matches.count)
		return false;
	ret->text = thing->matches.rule[0]->product;
	ret->product = psc_catalog_find(&e->host.set.catalog, ret->text, &ret->role);
	ret->role = thing->matches.rule[0]->role;
	return true;
}

static int judge(struct explanation *e, const struct psc_subject *subject, json_t *json)
{
	json_t *now = json_object(), *then = NULL, *evidence;
	int r = psc_policy_judge(&e->host, subject, e->now, now, &e->found);

	json_object_set_new(json, "now", now);
	if (r >= 0 && e->at != e->now) {
		then = json_object();
		r = psc_policy_judge(&e->host, subject, e->at, then, &e->found);
		json_object_set_new(json, "then", then);
	}
	if (r >= 0 && subject->product) {
		r = psc_explain_evidence(e->indicators, &e->host.set.objects, subject->product->id,
					 &evidence);
		if (r >= 0)
			json_object_set_new(json, "evidence", evidence);
	}
	return r;
}

static int add_thing(struct explanation *e, const struct psc_explained *thing)
{
	json_t *json = json_pack("{s:s,s:o,s:o,s:o}", "kind", thing->kind, "where",
				 psc_json_safe(thing->where), "facts", facts_json(&thing->facts),
				 "indicators", matches_json(&thing->matches));
	const struct psc_digest_record *record;
	char hex[2 * PSC_DIGEST_SIZE + 1];
	struct psc_subject subject;
	int r = 0;

	if (!json)
		return -ENOMEM;
	if (thing->pid)
		json_object_set_new(json, "pid", json_integer(thing->pid));
	if (thing->has_digest) {
		psc_hex_encode(thing->digest, PSC_DIGEST_SIZE, hex);
		json_object_set_new(json, "sha256", json_string(hex));
	}
	record = listed_as(e, thing, json);
	json_object_set_new(json, "listed", json_boolean(record));
	if (subject_of(e, thing, record, &subject)) {
		e->found = true;
		r = judge(e, &subject, json);
	}
	json_object_set_new(json, "missing",
			    missing_json(thing, record, psc_json_at(json, "now"),
					 psc_json_at(json, "evidence")));
	return json_array_append_new(e->things, json) < 0 ? -ENOMEM : r;
}

/* ---- what the arguments mean ----------------------------------------------------------------- */

static void add_error(struct explanation *e, const char *where, int error)
{
	struct psc_error detail = {0};

	psc_error_set(&detail, where, 0, 0, "%s",
		      error == -EISDIR	 ? "a directory: proscribe scan looks through it"
		      : error == -EINVAL ? "not a regular file"
					 : strerror(-error));
	psc_cli_note(e->cli, "%s: %s", where, detail.message);
	json_array_append_new(e->errors, psc_policy_error_json(&detail));
}

static int explain_file(struct explanation *e, const char *path)
{
	_cleanup_(psc_explained_clear) struct psc_explained thing = {0};
	int r = psc_explain_file(&e->known, path, &thing);

	return r < 0 ? r : add_thing(e, &thing);
}

/* Of what a process has mapped only that is told which something is known of. */
static int explain_mapped(const char *path, void *data)
{
	struct explanation *e = data;
	_cleanup_(psc_explained_clear) struct psc_explained thing = {0};
	int r = psc_explain_file(&e->known, path, &thing);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		add_error(e, path, r);
		return 0;
	}
	if (!thing.matches.count && !psc_policy_lookup(e->image, thing.digest))
		return 0;
	return add_thing(e, &thing);
}

static int explain_process(struct explanation *e, pid_t pid)
{
	_cleanup_(psc_explained_clear) struct psc_explained thing = {0};
	int r = psc_explain_process(&e->known, pid, &thing);

	if (r >= 0)
		r = add_thing(e, &thing);
	return r < 0 ? r : psc_explain_mapped(pid, explain_mapped, e);
}

static bool is_pid(const char *text, pid_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value;

	if (!digits || text[digits] || digits > 9)
		return false;
	value = strtoul(text, NULL, 10);
	*ret = (pid_t)value;
	return value > 0;
}

static int explain_digest(struct explanation *e, const char *text)
{
	_cleanup_(psc_target_clear) struct psc_target target = {0};
	_cleanup_(psc_explained_clear) struct psc_explained thing = {0};
	int r = psc_target_read(e->cli, text, &target);

	if (r != PSC_EXIT_OK)
		return r;
	if (target.algo != PSC_ALGO_SHA256)
		return psc_cli_fail(e->cli, PSC_EXIT_INVALID,
				    "proscribe catalog search DIGEST finds other digests, too",
				    "only SHA-256 digests decide anything in the kernel");
	if (psc_explain_digest(target.digest, &thing) < 0 || add_thing(e, &thing) < 0)
		return psc_cli_fail(e->cli, PSC_EXIT_FAILED, NULL, "out of memory");
	return PSC_EXIT_OK;
}

/* A file by that name comes first, then a process, then a digest. */
static int explain_argument(struct explanation *e, const char *text)
{
	pid_t pid;
	int r;

	if (strchr(text, '/') || access(text, F_OK) == 0)
		r = explain_file(e, text);
	else if (is_pid(text, &pid))
		r = explain_process(e, pid);
	else
		return explain_digest(e, text);
	if (r == -ENOMEM)
		return psc_cli_fail(e->cli, PSC_EXIT_FAILED, NULL, "out of memory");
	if (r < 0)
		add_error(e, text, r);
	return PSC_EXIT_OK;
}

static json_t *new_data(struct explanation *e)
{
	char now[PSC_TIME_TEXT_MAX], at[PSC_TIME_TEXT_MAX];
	json_t *profiles = json_array(), *data;

	for (size_t i = 0; i < e->host.set.profile_count; i++)
		json_array_append_new(profiles, psc_json_safe(e->host.set.profiles[i]->id));
	e->things = json_array();
	e->errors = json_array();
	data = json_pack("{s:s,s:s,s:o,s:o,s:o}", "now", psc_time_format_seconds(e->now, now),
			 "mode", psc_mode_to_string(e->host.config->mode), "profiles", profiles,
			 "things", e->things, "errors", e->errors);
	if (data && e->at != e->now)
		json_object_set_new(data, "then", json_string(psc_time_format_seconds(e->at, at)));
	return data;
}

static int explain_run(struct psc_cli *cli, int argc, char **argv)
{
	_cleanup_(explanation_clear) struct explanation e = {.cli = cli, .now = psc_time_now()};
	json_t *data;
	int r = psc_policy_time_option(cli, "at", e.now, e.now, &e.at);

	if (r == PSC_EXIT_OK)
		r = load(&e);
	if (r != PSC_EXIT_OK)
		return r;
	data = new_data(&e);
	for (int i = 0; data && i < argc && r == PSC_EXIT_OK; i++)
		r = explain_argument(&e, argv[i]);
	if (r != PSC_EXIT_OK) {
		json_decref(data);
		return r;
	}
	if (json_array_size(e.errors))
		r = PSC_EXIT_FAILED;
	return psc_cli_report(cli, e.found ? PSC_EXIT_LISTED : r, data, psc_explain_render);
}

static const struct psc_option explain_options[] = {
	{"at", "TIME", "also what would be then: " PSC_POLICY_TIMES},
	PSC_POLICY_OPTIONS_HOST,
	PSC_POLICY_OPTIONS_LISTS,
	PSC_OPTION_JSON,
	{},
};

const struct psc_verb psc_verb_explain = {
	.name = "explain",
	.run = explain_run,
	.least_arguments = 1,
	.most_arguments = -1,
	.arguments = "FILE|PID|DIGEST...",
	.summary = "Says what a file or process is, how that is known, and what becomes of it",
	.options = explain_options,
	.help = "Prints the facts about each, the indicators of the catalog that hold with their\n"
		"sources and confidence, the list entry, and for the product what every active\n"
		"profile says now (and at --at TIME), with clause and basis; then what is missing\n"
		"for a firmer answer. Of a process also the libraries that it has mapped, if\n"
		"something is known of them. A name of a file comes first: for the file 123 and not\n"
		"the process write ./123.\n\n"
		"Needs no daemon. Exit status 5: something is recognised, listed or refused.\n\n"
		"Examples:\n"
		"  proscribe explain /opt/kaspersky/kesl/libexec/kesl\n"
		"  proscribe explain --at 2024-09-29T04:00:00Z setup.exe\n"
		"  proscribe explain $(pidof klnagent) --json\n",
};
