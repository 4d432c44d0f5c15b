/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_proof.c - the live proof of `proscribe doctor`, see doctor.h: files of its own run,
 * are listed, are refused (or counted, in observe mode), are unlisted and run again. That a
 * program is attached proves nothing, and the daemon's own proof is as old as its start.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

#include "user/cli/doctor.h"
#include "user/cli/doctor_specimen.h"
#include "user/cli/lists.h"
#include "user/cli/output.h"
#include "user/core/escape.h"
#include "user/core/json.h"
#include "user/core/names.h"
#include "user/core/paths.h"

#define PROOF_LIST   "doctor.csv"
#define PROOF_SOURCE "proscribe doctor"

#define PROOF_REMEDY                                                                               \
	"see that kernel.ftrace_enabled is 1 and bpf is in /sys/kernel/security/lsm, then "        \
	"proscribe off, and start proscribed again"

/* Private to root first; files there are on the disk that the host runs from. */
static const char *const proof_parents[] = {PSC_DIR_STATE, "/var/tmp", "/tmp", NULL};

static const int proof_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

struct proof {
	json_t *steps;
	const json_t *status; /* at the beginning */
	int lists_fd;	      /* the lists' directory, locked against another doctor */
	char *list;	      /* path of PROOF_LIST */
	struct psc_specimens specimens;
	struct psc_list_backup *backup; /* not NULL: the specimens are listed */
	char directory[128];
	sigset_t signals; /* held back meanwhile */
	sigset_t signals_before;
	int signal; /* came in between */
};

static void proof_step(struct proof *p, const char *name, enum psc_health health,
		       const char *remedy, const char *found)
{
	psc_doctor_row(p->steps, name, health, remedy, "%s", found);
}

/* ---- signals ---------------------------------------------------------------- */

/* They wait until everything is put back; what the caller ignores stays ignored. */
static void hold_signals(struct proof *p)
{
	sigemptyset(&p->signals);
	for (size_t i = 0; i < ARRAY_SIZE(proof_signals); i++) {
		struct sigaction action;

		if (sigaction(proof_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&p->signals, proof_signals[i]);
	}
	sigprocmask(SIG_BLOCK, &p->signals, &p->signals_before);
}

static bool interrupted(struct proof *p)
{
	sigset_t pending;

	sigemptyset(&pending);
	sigpending(&pending);
	for (size_t i = 0; i < ARRAY_SIZE(proof_signals) && !p->signal; i++)
		if (sigismember(&p->signals, proof_signals[i]) == 1 &&
		    sigismember(&pending, proof_signals[i]) == 1)
			p->signal = proof_signals[i];
	return p->signal != 0;
}

/* ---- the list ----------------------------------------------------------------- */

/* Has the daemon reload; on failure a step says so. */
static bool reload(struct proof *p, const char *step)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	char text[PSC_ERROR_FILE_SIZE + PSC_ERROR_MESSAGE_SIZE + 32];

	psc_client_ask("reload", &answer);
	if (answer.kind == PSC_ANSWER_OK)
		return true;
	psc_doctor_row(p->steps, step, PSC_HEALTH_FAIL, answer.remedy, "reload: %s",
		       psc_error_format(&answer.error, text, sizeof(text)));
	return false;
}

static bool list_failed(struct proof *p, const char *step, int error, const struct psc_error *e)
{
	char text[PSC_ERROR_FILE_SIZE + PSC_ERROR_MESSAGE_SIZE + 32];

	if (e->message[0])
		proof_step(p, step, PSC_HEALTH_FAIL, NULL, psc_error_format(e, text, sizeof(text)));
	else
		psc_doctor_row(p->steps, step, PSC_HEALTH_FAIL, NULL, "%s: %s", p->list,
			       strerror(-error));
	return false;
}

/* Whether nothing but what a doctor lists is in the list; -errno of reading it. */
static int list_is_ours(struct proof *p, struct psc_error *reterr)
{
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	struct psc_list_entry entry;
	int r = psc_list_new(&list);

	if (r == 0)
		r = psc_list_load_file(list, p->list, reterr);
	for (size_t i = 0; r == 0 && psc_list_get(list, i, &entry) == 0; i++)
		if (strcmp(entry.source, PROOF_SOURCE) != 0)
			return 0;
	return r < 0 ? r : 1;
}

/* A doctor that was killed leaves its list: it goes first. */
static bool remove_leftover(struct proof *p)
{
	struct psc_error error = {};
	int r = list_is_ours(p, &error);

	if (r == -ENOENT)
		return true;
	if (r < 0)
		return list_failed(p, "leftover", r, &error);
	if (r == 0) {
		psc_doctor_row(p->steps, "leftover", PSC_HEALTH_FAIL, "give that list another name",
			       "%s has entries that are not the doctor's", p->list);
		return false;
	}
	if (unlinkat(p->lists_fd, PROOF_LIST, 0) < 0 || fsync(p->lists_fd) < 0)
		return list_failed(p, "leftover", -errno, &error);
	if (!reload(p, "leftover"))
		return false;
	psc_doctor_row(p->steps, "leftover", PSC_HEALTH_OK, NULL,
		       "%s of an interrupted doctor was removed", p->list);
	return true;
}

static bool open_lists(struct proof *p)
{
	const char *told = psc_json_text(p->status, "lists.directory", PSC_PATH_LISTS);
	_cleanup_free_ char *directory = NULL;
	struct psc_error error = {};
	size_t size;
	int r = psc_unescape(told, &directory, &size);

	if (r == 0 && asprintf(&p->list, "%s/" PROOF_LIST, directory) < 0) {
		p->list = NULL;
		r = -ENOMEM;
	}
	if (r == 0) {
		p->lists_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = p->lists_fd < 0 ? -errno : 0;
	}
	if (r == 0 && flock(p->lists_fd, LOCK_EX | LOCK_NB) < 0)
		r = -errno;
	if (r == -EWOULDBLOCK)
		psc_error_set(&error, NULL, 0, 0, "another proscribe doctor is at work");
	return r == 0 ? remove_leftover(p) : list_failed(p, "lists", r, &error);
}

static int add_specimens(struct proof *p, struct psc_error *reterr)
{
	_cleanup_(psc_list_freep) struct psc_list *additions = NULL;
	int r = psc_list_new(&additions);

	for (int kind = 0; kind < PSC_SPECIMEN_MAX && r == 0; kind++) {
		const struct psc_specimen *file = &p->specimens.file[kind];
		const struct psc_list_entry entry = {
			.algo = PSC_ALGO_SHA256,
			.digest = file->digest,
			.digest_size = PSC_DIGEST_SIZE,
			.has_size = true,
			.size = file->size,
			.format = file->format,
			.name = psc_specimen_name(kind),
			.product = "proscribe doctor's own proof",
			.source = PROOF_SOURCE,
		};

		r = psc_list_append(additions, &entry, reterr);
	}
	return r < 0 ? r : psc_list_file_add(p->list, additions, NULL, &p->backup, reterr);
}

static bool list_specimens(struct proof *p)
{
	struct psc_error error = {};
	int r = add_specimens(p, &error);

	if (r < 0)
		return list_failed(p, "list", r, &error);
	if (!reload(p, "list"))
		return false;
	psc_doctor_row(p->steps, "list", PSC_HEALTH_OK, NULL, "their digests are in %s", p->list);
	return true;
}

/* Whatever happened before: the list goes, and the daemon hears of it. */
static bool unlist_specimens(struct proof *p)
{
	struct psc_error error = {};
	int r;

	if (!p->backup)
		return false;
	r = psc_list_file_restore(p->list, p->backup, &error);
	psc_list_backup_freep(&p->backup);
	if (r < 0) {
		char remedy[PATH_MAX + 64];

		list_failed(p, "unlist", r, &error);
		snprintf(remedy, sizeof(remedy), "remove %s, then proscribe reload", p->list);
		proof_step(p, "unlist", PSC_HEALTH_FAIL, remedy, "the list stays behind");
		return false;
	}
	if (!reload(p, "unlist"))
		return false;
	psc_doctor_row(p->steps, "unlist", PSC_HEALTH_OK, NULL, "%s is gone again", p->list);
	return true;
}

/* ---- attempts ------------------------------------------------------------------- */

static const char *tried(enum psc_specimen_kind kind, int result, char *buffer, size_t size)
{
	const char *act = kind == PSC_SPECIMEN_LIBRARY ? "map" : "run";

	if (result == 0)
		snprintf(buffer, size, "%ss", act);
	else if (result < 0)
		snprintf(buffer, size, "does not %s: %s", act, strerror(-result));
	else
		snprintf(buffer, size, "runs and fails (%d)", result);
	return buffer;
}

/* All three run while they are not listed: else a refusal proves nothing. */
static bool try_unlisted(struct proof *p, const char *step, const char *remedy)
{
	char failed[512] = "", one[128];
	size_t used = 0;

	for (int kind = 0; kind < PSC_SPECIMEN_MAX; kind++) {
		int r = psc_specimen_try(&p->specimens, kind);

		if (r == 0 || used >= sizeof(failed))
			continue;
		used += (size_t)snprintf(failed + used, sizeof(failed) - used, "%sthe %s %s",
					 used ? ", " : "", psc_specimen_name(kind),
					 tried(kind, r, one, sizeof(one)));
	}
	if (used)
		psc_doctor_row(p->steps, step, PSC_HEALTH_FAIL, remedy, "not listed, but %s",
			       failed);
	else
		proof_step(p, step, PSC_HEALTH_OK, NULL,
			   "not listed: the program and the script run, the library maps");
	return !used;
}

/* What the daemon's policy makes of listed content; PSC_VERDICT_ALLOW: nothing. */
static enum psc_verdict expected(const json_t *status, enum psc_op op)
{
	const char *mode = psc_json_text(status, "mode", "?");
	const char *action;
	char path[32];

	snprintf(path, sizeof(path), "actions.%s", psc_op_to_string(op));
	action = psc_json_text(status, path, "deny");
	if (strcmp(action, psc_action_to_string(PSC_ACTION_ALLOW)) == 0)
		return PSC_VERDICT_ALLOW;
	if (strcmp(action, psc_action_to_string(PSC_ACTION_RECORD)) == 0)
		return PSC_VERDICT_RECORD;
	if (strcmp(mode, psc_mode_to_string(PSC_MODE_ENFORCE)) == 0)
		return PSC_VERDICT_DENY;
	return PSC_VERDICT_WOULD_DENY;
}

static json_int_t counter(const json_t *status, enum psc_op op, enum psc_verdict verdict)
{
	char path[64];

	snprintf(path, sizeof(path), "counters.%s.%s", psc_op_to_string(op),
		 psc_verdict_to_string(verdict));
	return psc_json_number(status, path, 0);
}

/*
 * How often the guard reached the verdict so far, -1 when the daemon does not tell. Where
 * opening listed content is denied, the open before the act may be where it ends.
 */
static json_int_t count_verdicts(const struct proof *p, enum psc_op op, enum psc_verdict verdict)
{
	_cleanup_(psc_answer_clear) struct psc_answer answer = {};
	json_int_t n;

	psc_client_ask("status", &answer);
	if (answer.kind != PSC_ANSWER_OK)
		return -1;
	n = counter(answer.data, op, verdict);
	if (expected(p->status, PSC_OP_OPEN) == verdict)
		n += counter(answer.data, PSC_OP_OPEN, verdict);
	return n;
}

static void judge_listed(struct proof *p, enum psc_specimen_kind kind, enum psc_verdict verdict,
			 int result, json_int_t counted)
{
	const char *ran = kind == PSC_SPECIMEN_LIBRARY ? "mapped" : "ran";
	const char *step = psc_specimen_name(kind);
	bool refused = verdict == PSC_VERDICT_DENY;
	char text[160];

	if (refused && result == 0)
		psc_doctor_row(p->steps, step, PSC_HEALTH_FAIL, PROOF_REMEDY,
			       "NOT REFUSED: %s although it is listed", ran);
	else if (result != (refused ? -EPERM : 0))
		psc_doctor_row(p->steps, step, PSC_HEALTH_FAIL, PROOF_REMEDY, "%s%s",
			       tried(kind, result, text, sizeof(text)),
			       refused ? ", which is not the guard's refusal" : " although it may");
	else if (counted < 0)
		proof_step(p, step, PSC_HEALTH_FAIL, "see proscribe status",
			   "the daemon does not tell its counters any more");
	else if (counted == 0)
		psc_doctor_row(p->steps, step, PSC_HEALTH_FAIL, PROOF_REMEDY,
			       "NOT SEEN: %s, but the guard did not count it as %s",
			       refused ? "refused" : ran, psc_verdict_to_string(verdict));
	else if (refused)
		proof_step(p, step, PSC_HEALTH_OK, NULL, "refused, and counted");
	else
		psc_doctor_row(p->steps, step, PSC_HEALTH_OK, NULL, "%s, and was counted as %s",
			       ran, psc_verdict_to_string(verdict));
}

static void try_listed(struct proof *p, enum psc_specimen_kind kind)
{
	enum psc_op op = kind == PSC_SPECIMEN_LIBRARY ? PSC_OP_LOAD : PSC_OP_EXEC;
	enum psc_verdict verdict = expected(p->status, op);
	const char *step = psc_specimen_name(kind);
	json_int_t before, after;
	int result;

	if (verdict == PSC_VERDICT_ALLOW) {
		psc_doctor_row(p->steps, step, PSC_HEALTH_WARN,
			       "set it to deny in /etc/proscribe/proscribe.yaml",
			       "not tried: the configuration allows %s of listed content",
			       psc_op_to_string(op));
		return;
	}
	before = count_verdicts(p, op, verdict);
	result = psc_specimen_try(&p->specimens, kind);
	after = count_verdicts(p, op, verdict);
	judge_listed(p, kind, verdict, result, before < 0 || after < 0 ? -1 : after - before);
}

/* ---- all ------------------------------------------------------------------------- */

static bool make_specimens(struct proof *p)
{
	const char *what = "";
	int r = psc_specimens_make(proof_parents, &p->specimens, &what);

	if (r == -EACCES)
		proof_step(p, "files", PSC_HEALTH_WARN,
			   "let programs run in one of them (no mount option noexec)",
			   "nothing is proven: no program may run in " PSC_DIR_STATE
			   ", /var/tmp or /tmp");
	else if (r < 0)
		psc_doctor_row(p->steps, "files", PSC_HEALTH_FAIL, NULL,
			       "nothing is proven: the files cannot be made (%s): %s", what,
			       strerror(-r));
	if (r < 0)
		return false;
	snprintf(p->directory, sizeof(p->directory), "%s", p->specimens.directory);
	return true;
}

static void prove(struct proof *p)
{
	bool unlisted;

	if (!open_lists(p) || interrupted(p) || !make_specimens(p))
		return;
	if (!try_unlisted(p, "before",
			  "something else refuses them, or programs cannot run there: without "
			  "that no refusal proves anything") ||
	    interrupted(p))
		return;
	if (list_specimens(p))
		for (int kind = 0; kind < PSC_SPECIMEN_MAX && !interrupted(p); kind++)
			try_listed(p, kind);
	unlisted = unlist_specimens(p);
	if (unlisted && !interrupted(p))
		try_unlisted(p, "after", "proscribe reload, then run this again");
}

/* Also the way out of every failure: nothing may stay behind. */
static void proof_end(struct proof *p)
{
	int r;

	if (p->backup)
		unlist_specimens(p);
	r = psc_specimens_remove(&p->specimens);
	if (r < 0)
		psc_doctor_row(p->steps, "files", PSC_HEALTH_WARN, "remove them by hand",
			       "%s cannot be removed: %s", p->directory, strerror(-r));
	free(p->list);
	psc_closep(&p->lists_fd);
}

json_t *psc_proof_run(const json_t *status, int *ret_signal)
{
	struct proof p = {.steps = json_array(), .status = status, .lists_fd = -1};
	struct sigaction child = {.sa_handler = SIG_DFL}, child_before;
	size_t counts[PSC_HEALTH_MAX] = {};
	json_t *result;

	hold_signals(&p);
	/* ignored by the caller, it would hide how the specimens end */
	sigaction(SIGCHLD, &child, &child_before);
	prove(&p);
	proof_end(&p);
	sigaction(SIGCHLD, &child_before, NULL);
	if (interrupted(&p))
		proof_step(&p, "end", PSC_HEALTH_FAIL, "run it again",
			   "interrupted; everything was put back");
	result = json_pack("{s:s,s:o*,s:o,s:O}", "result",
			   psc_health_to_string(psc_doctor_worst(p.steps, counts)), "mode",
			   psc_json_safe(psc_json_text(status, "mode", NULL)), "directory",
			   p.directory[0] ? psc_json_safe(p.directory) : json_null(), "steps",
			   p.steps);
	json_decref(p.steps);
	*ret_signal = p.signal;
	while (p.signal && sigtimedwait(&p.signals, NULL, &(struct timespec){}) > 0)
		;
	sigprocmask(SIG_SETMASK, &p.signals_before, NULL);
	return result;
}
