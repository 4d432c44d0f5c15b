/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon.h - the state of proscribed, passed to all of its parts. One thread; nothing
 * that the kernel decides ever waits for it.
 */
#pragma once

#include <jansson.h>

#include "user/core/util.h"
#include "user/core/auditlog.h"
#include "user/core/auditlog_keep.h"
#include "user/core/auditlog_tail.h"
#include "user/core/chain_key.h"
#include "user/core/clock.h"
#include "user/core/config.h"
#include "user/core/durable.h"
#include "user/core/error.h"
#include "user/core/event_json.h"
#include "user/core/fold.h"
#include "user/core/handover.h"
#include "user/core/image.h"
#include "user/core/inputs.h"
#include "user/core/list.h"
#include "user/core/policy_set.h"
#include "user/core/seen_bound.h"
#include "user/daemon/canary.h"
#include "user/daemon/loader.h"
#include "user/daemon/resolver.h"
#include "user/daemon/ring.h"
#include "user/daemon/sinks.h"
#include "user/daemon/who.h"

/* From the command line; they win over the configuration at every reload. */
struct psc_options {
	const char *config; /* NULL: PSC_PATH_CONFIG if it is there */
	const char *lists;
	const char *log;
	int mode;	  /* enum psc_mode, -1: not given */
	uint64_t without; /* 1 << enum psc_feature: not to be used though the kernel has it */
	bool debug;
};

/* What is in force: replaced as one. */
struct psc_policy {
	struct psc_config *config;
	struct psc_policy_set set;
	struct psc_list *list;
	size_t site_files; /* the first files of the list are the site's, the others a catalog's */
	struct psc_image *image;
	uint8_t digest[PSC_DIGEST_SIZE];  /* of the image as a file */
	uint64_t generation;		  /* under which it is, or was, in force */
	struct psc_inputs inputs;	  /* the files it was made of; none: not known */
	uint8_t catalog[PSC_DIGEST_SIZE]; /* psc_catalog_digest() */
	bool catalog_known;
	bool restored; /* from active.bin: lists and profiles were refused */
	bool disarmed; /* restored to observe only: it would refuse what the host needs */
	bool held;     /* all that is known is what the kernel has: active.bin was refused, too */
};

/* Where the content of a file on overlayfs was found last. */
struct psc_layer {
	uint64_t boot_ns; /* of the event it was looked for */
	uint64_t real_inode;
	uint32_t real_device;
	uint32_t device;
	char *path; /* NULL: not found */
};

/* Places that the resolver found, by path. */
struct psc_found_places {
	struct psc_place *place;
	size_t count;
};

struct psc_daemon {
	struct psc_options options;
	struct psc_policy policy;
	struct psc_policy previous;  /* events that it decided may still come */
	uint64_t adopted_generation; /* of a guard that was on under the same policy */
	struct psc_durable next;     /* the next active.bin, between written and kept */
	struct psc_error refused;    /* why the policy had to be restored or held */
	struct psc_error unrestored; /* why it is held */
	struct psc_error disarmed;   /* why what was restored only observes */
	char leaving[64];	     /* who asked for off, while the kernel still has the guard */
	struct psc_clock_state clock;
	enum psc_clock_change clock_first; /* what the first reading meant */
	uint64_t clock_kept_ns;		   /* boot clock when the state was written */
	int active_error;		   /* of writing active.bin: negative errno, 0 fine */
	int clock_error;		   /* of writing it: negative errno, 0 fine */
	int clock_fd;			   /* wakes when the wall clock is set */
	struct psc_canary canary;
	struct psc_guard *guard;
	struct psc_ring *ring;
	struct psc_fold *fold;
	struct psc_seen seen;
	json_t *objections; /* psc_interlock_json() of what was refused last, or NULL */
	struct psc_layer layer;
	struct psc_who_reader *who; /* NULL: nothing is asked of /proc */
	/* by number: 0 not tried, 1 marked, else the negative errno + 1 */
	int place_error[PSC_PLACES_MAX];
	struct {
		dev_t device;
		ino_t inode;
	} place_seen[PSC_PLACES_MAX]; /* what the interlock let be marked */
	struct psc_found_places found_places;
	bool places_listed;	       /* when they were marked last there were some */
	struct psc_resolver *resolver; /* NULL: it could not be started */
	int resolver_fd;
	struct psc_auditlog *log; /* NULL while it cannot be opened */
	int log_error;		  /* negative errno of the last attempt to write, 0 fine */
	/* what a daemon before us wrote and did not take out of the ring; NULL: not known yet, or
	   over */
	struct psc_auditlog_tail *tail;
	bool recalled;
	uint64_t log_written;
	struct psc_sinks sinks;
	struct psc_keeper *keeper;     /* of the log's older files; NULL: not begun */
	int keeper_error;	       /* said already; 0 fine */
	struct psc_chain_key *log_key; /* NULL: the log is not signed, for log_key_error */
	int log_key_error;
	struct psc_chain chain_end;  /* as far as was written, in whatever file */
	uint64_t log_signed;	     /* sequence of the last record with a signature */
	uint64_t checkpoint_boot_ns; /* boot clock of the last one */
	uint64_t heartbeat_boot_ns;
	struct {
		uint64_t from_ns;   /* boot clock since which the guard was not on, at most */
		const char *reason; /* a constant; NULL: nothing was left behind */
		char requester[64]; /* of off */
	} absence;
	struct {
		size_t pins; /* of the guard that were missing at the last look */
		bool table;  /* of the kernel was not ours at the last look */
	} tamper;
	json_t *sightings; /* what was seen first of each product, by its name */
	int epoll_fd;
	int signal_fd;
	int timer_fd;
	int control_fd;
	int lock_fd;
	bool stopping;
	char hostname[256];
	char boot_id[PSC_BOOT_ID_SIZE];
};

/* ---- daemon.c */

/* Runs until a signal or `off`; the exit status of the process. */
int psc_daemon_run(struct psc_daemon *daemon);

/*
 * Reads configuration and lists anew and puts them into force, or changes nothing and
 * says why. @requester (may be NULL) goes into the record. Writes the record.
 */
int psc_daemon_reload(struct psc_daemon *daemon, const char *requester, struct psc_error *reterr);

/* ---- off.c */

enum psc_guard_state {
	PSC_GUARD_ON = 0,
	PSC_GUARD_UNPINNED = 1, /* it refuses, or may, until the kernel drops it */
	PSC_GUARD_OFF = 2,
};

/* What can be told of the guard; "on", "unpinned", "off". */
enum psc_guard_state psc_off_state(const struct psc_daemon *daemon);
const char *psc_guard_state_to_string(enum psc_guard_state state);

/*
 * Removes the guard, waits until it is gone and has the daemon end. -ETIMEDOUT when it still
 * refuses: psc_off_tick() ends the daemon when that is over. Otherwise what the file system
 * said of the pins. @reterr says what state the guard is in. Writes the record.
 */
int psc_daemon_off(struct psc_daemon *daemon, const char *requester, struct psc_error *reterr);
void psc_off_tick(struct psc_daemon *daemon);

/* ---- absence.c: when the guard was not on */

/* What the daemon before this one has left behind of it, in this boot. */
void psc_absence_read(struct psc_daemon *daemon);

/* Writes the record of it, if the guard is on from now and was not before. */
void psc_absence_record(struct psc_daemon *daemon);

/* The guard is on still; it was taken off by @requester. */
void psc_absence_tick(struct psc_daemon *daemon);
void psc_absence_off(struct psc_daemon *daemon, const char *requester);

/* ---- left.c: what no daemon had read when the guard was taken off */

/*
 * Writes to the log what waits in the kernel of a guard that was taken off without a daemon. With a
 * policy, before there is a guard; what cannot be written now waits on.
 */
void psc_left_collect(struct psc_daemon *daemon);

/* Records how many events were lost since nobody could read them any more. */
void psc_left_record(struct psc_daemon *daemon);

/* The guard is off: what could not be written to the log waits for the next start. */
void psc_left_keep(struct psc_daemon *daemon);

/* ---- tamper.c */

/*
 * Looks whether somebody has laid hands on the guard or its log behind our back, and writes a
 * record of what is seen for the first time.
 */
void psc_tamper_tick(struct psc_daemon *daemon);

/* ---- sightings.c: when each product was seen first on this host */

/* Reads what was kept. Without it everything is new. */
void psc_sightings_open(struct psc_daemon *daemon);

/* One product, at some time and place. */
struct psc_sighting {
	const char *product; /* as a list names it */
	const char *how;     /* "attempt", "found", "runs", "scan" */
	const char *path;    /* NULL: not known */
	const char *digest;  /* in hex; NULL: not known */
	uint64_t at;	     /* ns, wall clock */
};

/*
 * Writes a record and keeps it, if the product was never seen before. An error only when the
 * record could not be written: then the product is as new as before. Does not sync.
 */
int psc_sightings_see(struct psc_daemon *daemon, const struct psc_sighting *sighting);

/* The log begins with @next_sequence now: what was said before that is said again. */
void psc_sightings_repeat(struct psc_daemon *daemon, uint64_t next_sequence);

/* ---- scanned.c */

/*
 * Writes the record of a scan that somebody made: @scan is what `proscribe scan` knows of it.
 * -EINVAL when it is none; else the error of the log.
 */
int psc_scanned_record(struct psc_daemon *daemon, const json_t *scan, const char *requester,
		       uint64_t *ret_sequence);

/* ---- policy.c */

void psc_policy_clear(struct psc_policy *policy);

/*
 * Loads and compiles without the objects that are over at @now (ns); @ret untouched on failure.
 * @before is what is in force, or NULL: its places keep their numbers. @found is added to them.
 */
int psc_policy_load(const struct psc_options *options, uint64_t now, const struct psc_image *before,
		    const struct psc_found_places *found, struct psc_policy *ret,
		    struct psc_error *reterr);

/*
 * found_places.c: as @last had them (may be NULL); of those that are known, the ones that may be
 * marked still; others than before, which a reload puts into force (true), @next is empty then;
 * whether one lies in the site's own, which it must not make milder.
 */
void psc_found_places_take(struct psc_daemon *daemon, const struct psc_image *last);
void psc_found_places_check(struct psc_daemon *daemon);
bool psc_found_places_replace(struct psc_daemon *daemon, struct psc_found_places *next);
bool psc_found_place_is_sites(const struct psc_config *config, const char *path);
void psc_found_places_clear(struct psc_found_places *found);

/* Writes that a place is marked, or why not (negative errno). */
void psc_places_record(struct psc_daemon *daemon, const struct psc_place *place, int r);

/* What was in force last, from active.bin: no list, no profile can be asked. */
int psc_policy_restore(const struct psc_options *options, struct psc_policy *ret,
		       struct psc_error *reterr);

/*
 * What a guard that is on has in force, by its @table: neither lists nor names. Nothing of it can
 * be put into force again.
 */
int psc_policy_hold(const struct psc_options *options, const struct psc_table *table,
		    struct psc_policy *ret);

/* Writes the compiled policy beside active.bin; psc_policy_keep() makes it that. */
int psc_policy_write(const struct psc_policy *policy, struct psc_durable *ret);
int psc_policy_keep(struct psc_durable *file);

/* Adds the canary and the index; the policy cannot be written any more. */
int psc_policy_arm(struct psc_policy *policy, const struct psc_canary *canary,
		   struct psc_error *reterr);

/* What says which mode it is: "command_line", "configuration", "last" (restored, or held). */
json_t *psc_mode_from_json(const struct psc_daemon *daemon);

/* After a change of the mode: whether the programs tell of code that is not listed. */
void psc_policy_tell_seen(struct psc_policy *policy);
/* ---- policy_inputs.c: the files that a policy is made of */

/* Adds those that @config names; the configuration's own file comes before it is read. */
void psc_policy_add_inputs(const struct psc_config *config, struct psc_inputs *inputs);

/* Digests of what @policy was made of; @before may be NULL: what it has unchanged is not read. */
void psc_policy_digest_inputs(struct psc_policy *policy, const struct psc_policy *before);

/*
 * A file that is not any more as it was when the policy in force was read, or NULL. The caller
 * frees it.
 */
char *psc_policy_changed_input(const struct psc_daemon *daemon);

/* ---- interlock.c */

/*
 * Would the armed @policy refuse, now or later, a file that the host needs to start, to be
 * logged into or to be repaired? Then -EPERM, with the first in @reterr and the first few in
 * daemon->objections (NULL otherwise), unless overrides for all of them are among its objects.
 * Files that cannot be judged are an error.
 */
int psc_interlock_check(struct psc_daemon *daemon, const struct psc_policy *policy, uint64_t now,
			struct psc_error *reterr);

/*
 * The same of the armed @policy that was restored: the host is another one than when it was put
 * into force. Overrides are those in the directory of objects, if that can be read.
 */
int psc_interlock_check_restored(const struct psc_policy *policy, uint64_t now,
				 struct psc_error *reterr);

/*
 * Does the place hold what the host needs? -EPERM with the file in @reterr. For a place that
 * appears, or becomes another one, after the policy was judged.
 */
int psc_interlock_check_place(const char *path, struct psc_error *reterr);

/* The objections are of a policy that is no matter any more. */
void psc_interlock_forget(struct psc_daemon *daemon);

/* ---- restored.c */

/*
 * Judges what was restored on the host as it is. Where that objects, the policy refuses nothing:
 * its mode is observe, `disarmed` says so and daemon->disarmed why.
 */
void psc_restored_judge(struct psc_daemon *daemon);

/* Writes the record of it, if it was disarmed. */
void psc_restored_record(struct psc_daemon *daemon);

/*
 * What happened while no daemon ran was decided by the policy that the guard has: if it is this
 * one, or the one in active.bin, its records get reasons.
 */
void psc_restored_recognise(struct psc_daemon *daemon);

/* ---- changes.c */

/*
 * Writes a record for each profile and object that came, went or was altered. An object that
 * is merely over has `expired`: nobody asked for that, and its time is the object's own end.
 */
void psc_changes_record(struct psc_daemon *daemon, const struct psc_policy_set *before,
			const struct psc_policy_set *after, const char *requester);

/*
 * The same of the mode, the configuration's file, the lists and the catalog, with their digests.
 * @before is NULL at the start.
 */
void psc_changes_record_inputs(struct psc_daemon *daemon, const struct psc_policy *before,
			       const struct psc_policy *after, const char *requester);

/* ---- clock.c */

struct psc_clock_reading psc_clock_read(void);

/* Takes the first reading. @guard_time: what a guard that is on takes for the time, or 0. */
int psc_clock_open(struct psc_daemon *daemon, uint64_t guard_time);

/* Writes the record of the first reading, once there is a log. */
void psc_clock_started(struct psc_daemon *daemon);

/* Takes a reading, tells the kernel, writes records. Often, and when clock_fd is readable. */
void psc_clock_tick(struct psc_daemon *daemon);

/* Writes what is trusted of the time to PSC_PATH_STATE. */
void psc_clock_keep(struct psc_daemon *daemon);

/* An administrator declares the wall clock to be right. */
void psc_clock_trust(struct psc_daemon *daemon, const char *requester);

/* The guard's time now, ns; the `clock` of the status. */
uint64_t psc_clock_guard_now(const struct psc_daemon *daemon);

/*
 * What is known to have passed, ns: what is over by it is over for good, while a clock that
 * is wrongly ahead may still be corrected. Before psc_clock_open(): what was kept, or the day
 * of this version's release.
 */
uint64_t psc_clock_trusted_now(const struct psc_daemon *daemon);
uint64_t psc_clock_kept(void);
int psc_clock_json(const struct psc_daemon *daemon, json_t **ret);

/* ---- journal.c: what goes into the audit log */

/* Opens the log if it is not open. Failure is remembered in log_error, tried again later. */
void psc_journal_open(struct psc_daemon *daemon);

/*
 * Goes on with the counts of repeats that a daemon before us kept, and with where its ring was:
 * before anything is taken out of it. -ENOMEM.
 */
int psc_journal_fold(struct psc_daemon *daemon);

/* Closes the log; the next record opens it, perhaps in another directory. */
void psc_journal_close(struct psc_daemon *daemon);

/* A record of the daemon's own, see psc_record_new(); the caller adds to it and writes it. */
int psc_journal_record(struct psc_daemon *daemon, const char *type, json_t **ret);

/* Adds what is in force to a record. */
void psc_journal_policy(struct psc_daemon *daemon, json_t *record);

/* Writes a record of something that was done, or was to be done, by @requester (or NULL). */
void psc_journal_change(struct psc_daemon *daemon, const char *type, const char *requester,
			bool success, const char *message);

/* Appends and syncs, takes the reference. An error is kept in log_error as well. */
int psc_journal_write(struct psc_daemon *daemon, json_t *record);

/* Appends without sync, and leaves the reference. For records within a group. */
int psc_journal_append(struct psc_daemon *daemon, const json_t *record);

/* The same with the host's signature, if there is a key. */
int psc_journal_write_signed(struct psc_daemon *daemon, json_t *record);

/* The policy that a generation was decided by; NULL when it is not known any more. */
const struct psc_policy *psc_journal_policy_of(const struct psc_daemon *daemon,
					       uint64_t generation);

/* Appends the record of a decision, with what the lists say of its digest. Does not sync. */
int psc_journal_decision(struct psc_daemon *daemon, const struct psc_event *event);

/*
 * Takes everything out of the ring, into the log, in groups: written, synced, only then
 * given back. When the log fails, the events stay in the ring.
 */
void psc_journal_drain(struct psc_daemon *daemon);

/* One group of it: between two others the daemon looks after everything else. */
void psc_journal_drain_some(struct psc_daemon *daemon);

/* Writes the counts of repeats whose window has ended, or @all of them. */
void psc_journal_repeats(struct psc_daemon *daemon, bool all);

/* Milliseconds until psc_journal_repeats() has something to write; 0: now, -1: nothing. */
int psc_journal_timeout(const struct psc_daemon *daemon);

/* Records how many events the ring had no room for since the last time. */
void psc_journal_losses(struct psc_daemon *daemon);

/* ---- seen.c: code that ran in observe mode without being listed */

/* Appends the record of it, if there may be another one; else counts it. Does not sync. */
int psc_seen_record(struct psc_daemon *daemon, const struct psc_event *event);

/* Writes, once a minute or @now, how many there was no record of. */
void psc_seen_tick(struct psc_daemon *daemon, bool now);

/* {"recorded": whether they are, "skipped": by the kernel, "left_out": of the log}. */
json_t *psc_seen_json(const struct psc_daemon *daemon, const struct psc_counters *counters);

/* ---- checkpoint.c */

/* Reads or makes the key that signs the log. Without it the log goes on, unsigned. */
void psc_checkpoint_open(struct psc_daemon *daemon);

/* Signs what was written so far. */
void psc_checkpoint_write(struct psc_daemon *daemon);

/* Signs when enough was written, or long enough ago; says once an hour that the daemon lives. */
void psc_checkpoint_tick(struct psc_daemon *daemon);

/* ---- logkeep.c */

/* Begins a new log file when it is time, goes on compressing older ones, gives up the oldest. */
void psc_logkeep_tick(struct psc_daemon *daemon);

/* The log may be elsewhere from now on. */
void psc_logkeep_close(struct psc_daemon *daemon);

/* ---- wanted.c */

/*
 * A file was opened that could not be digested in the hook: has the kernel digest and
 * remember it, and records the open if the content was listed then. An error only when the record
 * could not be written: then the event is to be taken again.
 */
int psc_wanted_digest(struct psc_daemon *daemon, const struct psc_event *event);

/* ---- places.c */

/*
 * Marks the listed places of the policy in force and takes away marks of the site's that are
 * not listed any more. Says and records which place cannot be marked, once, and when it can.
 * After every change of policy, and now and then: a directory may have been made anew.
 */
void psc_places_mark(struct psc_daemon *daemon);

/* The listed places and the marks for the status; NULL: no memory. */
json_t *psc_places_json(const struct psc_daemon *daemon);

/* ---- layer.c */

/*
 * The directory that holds the content of a file on overlayfs: the upper one, or one of the
 * lower ones. NULL when it is not an overlay of this mount table, or not found. Belongs to
 * @layer, which remembers it for the attempts that follow.
 */
const char *psc_layer_of(struct psc_layer *layer, const struct psc_event *event);
void psc_layer_clear(struct psc_layer *layer);

/* ---- control.c */

/* Listens on the control socket; from now on `proscribe status` succeeds. */
int psc_control_open(struct psc_daemon *daemon);
/* Serves one waiting client. */
void psc_control_serve(struct psc_daemon *daemon);

/* ---- status.c */

/* The `data` of the status reply, a new reference; -ENOMEM. */
int psc_status_json(struct psc_daemon *daemon, json_t **ret);

/* ---- status_policy.c: its part about profiles, objects and intervals; NULL: no memory */
json_t *psc_status_policy(const struct psc_daemon *daemon);

/* ---- say.c */

/* One line on stderr, with the daemon's name; untrusted strings must be escaped. */
void psc_say(const char *fmt, ...) _printf_(1, 2);

/* The same of an error, after @what was attempted. */
void psc_say_error(const char *what, const struct psc_error *error);
