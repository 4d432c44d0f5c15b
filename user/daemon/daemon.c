/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.c - start, main loop, reload; see daemon.h. */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "user/core/hex.h"
#include "user/core/names.h"
#include "user/core/image_file.h"
#include "user/core/paths.h"
#include "user/core/timefmt.h"
#include "user/daemon/daemon.h"
#include "user/daemon/notify.h"

#define TICK_SECONDS 5
#define PATH_LOCK    PSC_DIR_RUN "/lock"

static void say_problem(const struct psc_problem *problem)
{
	psc_say("%s", problem->message);
	if (problem->remedy[0])
		psc_say("remedy: %s", problem->remedy);
}

/* ---- records ------------------------------------------------------------------ */

static void record_start(struct psc_daemon *daemon)
{
	json_t *record;

	if (psc_journal_record(daemon, "start", &record) < 0)
		return;
	psc_record_message(record, "%s",
			   daemon->policy.held	    ? "started; the guard was on already and goes "
						      "on with what it has: the policy is refused"
			   : daemon->guard->adopted ? "started; the guard was on already"
						    : "started; the guard is on from now");
	psc_journal_policy(daemon, record);
	psc_record_set_string(record, "version", PSC_VERSION);
	psc_record_set(record, "adopted", json_boolean(daemon->guard->adopted));
	psc_record_set(record, "attached_boot_ns",
		       json_integer(daemon->guard->shared->control.attached_ns));
	psc_journal_write(daemon, record);
}

static void record_refusal(struct psc_daemon *daemon, const char *requester,
			   const struct psc_error *error)
{
	char text[640];
	json_t *record;

	if (psc_journal_record(daemon, "reload_refused", &record) < 0)
		return;
	psc_record_message(record, "reload refused, what was in force stays: %s",
			   psc_error_format(error, text, sizeof(text)));
	psc_record_failed(record);
	psc_record_set_string(record, "requester", requester);
	if (daemon->objections)
		psc_record_set(record, "objections", json_incref(daemon->objections));
	psc_journal_write(daemon, record);
}

/* ---- proof ----------------------------------------------------------------------- */

/* Field 22 of /proc/self/stat (proc(5)); the name in field 2 may hold anything but ends in ')'. */
static uint64_t own_start_ticks(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/stat", "re");
	char line[1024], *p;

	if (!f || !fgets(line, sizeof(line), f) || !(p = strrchr(line, ')')))
		return 0;
	for (int field = 2; field < 22 && p; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

/* The programs shall know us. */
static void introduce(struct psc_daemon *daemon)
{
	struct psc_control *control = &daemon->guard->shared->control;

	control->daemon_start_ticks = own_start_ticks();
	control->daemon_tgid = getpid();
}

/* A guard that does not refuse the canary is taken back, unless it was on before us. */
static int prove_guard(struct psc_daemon *daemon, struct psc_problem *reterr)
{
	int r = psc_canary_run(&daemon->canary, daemon->guard->features, reterr);

	if (r < 0 && !daemon->guard->adopted)
		psc_guard_remove();
	return r;
}

/* A policy that was held had no canary of ours in it: the first that is put into force has. */
static void prove_now(struct psc_daemon *daemon, const char *requester)
{
	struct psc_problem problem = {};

	if (daemon->canary.wall_ns || prove_guard(daemon, &problem) >= 0)
		return;
	say_problem(&problem);
	psc_journal_change(daemon, "canary", requester, false, problem.message);
}

/* ---- reload ------------------------------------------------------------- */

/*
 * Everything that is to be done before a policy can be put into force. Its file is written
 * now and becomes active.bin once it is in force; a disk that is full or read-only does not
 * keep it from that.
 */
static int ready(struct psc_daemon *daemon, struct psc_policy *policy, uint64_t now,
		 struct psc_error *reterr)
{
	int r;

	psc_durable_end(&daemon->next);
	daemon->active_error = psc_policy_write(policy, &daemon->next);
	r = psc_policy_arm(policy, &daemon->canary, reterr);
	return r < 0 ? r : psc_interlock_check(daemon, policy, now, reterr);
}

/* The policy is in force: what was written becomes active.bin. */
static void keep(struct psc_daemon *daemon)
{
	if (!daemon->active_error)
		daemon->active_error = psc_policy_keep(&daemon->next);
	psc_durable_end(&daemon->next);
	if (daemon->active_error < 0)
		psc_say(PSC_PATH_ACTIVE
			" cannot be written: %s; the policy is in force, but cannot "
			"be restored after a reboot",
			strerror(-daemon->active_error));
}

static int activate(struct psc_daemon *daemon, struct psc_policy *policy, struct psc_error *reterr)
{
	struct psc_problem problem = {};
	int r = ready(daemon, policy, psc_clock_trusted_now(daemon), reterr);

	if (!r) {
		r = psc_guard_activate(daemon->guard, policy->image, &problem);
		if (r < 0)
			psc_error_set(reterr, NULL, 0, 0, "%s", problem.message);
	}
	if (r < 0) {
		psc_durable_end(&daemon->next);
		return r;
	}
	policy->generation = daemon->guard->shared->control.generation;
	keep(daemon);
	return 0;
}

int psc_daemon_reload(struct psc_daemon *daemon, const char *requester, struct psc_error *reterr)
{
	_cleanup_(psc_policy_clear) struct psc_policy policy = {};
	int r;

	psc_interlock_forget(daemon);
	/* what is in the ring is explained by this policy or the one before, not by the next */
	psc_journal_drain(daemon);
	psc_found_places_check(daemon);
	r = psc_policy_load(&daemon->options, psc_clock_trusted_now(daemon), daemon->policy.image,
			    &daemon->found_places, &policy, reterr);
	if (!r)
		r = activate(daemon, &policy, reterr);
	if (r < 0) {
		psc_say_error("reload refused, what was in force stays", reterr);
		record_refusal(daemon, requester, reterr);
		return r;
	}
	psc_policy_digest_inputs(&policy, &daemon->policy);
	if (strcmp(daemon->policy.config->log_directory, policy.config->log_directory))
		psc_journal_close(daemon);
	psc_policy_clear(&daemon->previous);
	daemon->adopted_generation = 0;
	daemon->previous = daemon->policy;
	daemon->policy = policy;
	daemon->refused = daemon->unrestored = daemon->disarmed = (struct psc_error){};
	policy = (struct psc_policy){};
	psc_journal_change(daemon, "reload", requester, true,
			   "configuration, policy and lists read anew");
	psc_places_mark(daemon);
	psc_changes_record_inputs(daemon, &daemon->previous, &daemon->policy, requester);
	psc_changes_record(daemon, &daemon->previous.set, &daemon->policy.set, requester);
	psc_resolver_reloaded(daemon);
	prove_now(daemon, requester);
	return 0;
}

static void reload_by_signal(struct psc_daemon *daemon, const struct signalfd_siginfo *by)
{
	struct psc_error error = {};
	char requester[64];

	snprintf(requester, sizeof(requester), "SIGHUP by uid %u, pid %u", by->ssi_uid,
		 by->ssi_pid);
	psc_notify_reloading();
	if (!psc_daemon_reload(daemon, requester, &error))
		psc_say("reloaded: %zu digests, generation %llu", daemon->policy.image->listed,
			(unsigned long long)daemon->guard->shared->control.generation);
	psc_notify("READY=1");
	psc_sinks_tick(daemon);
}

/* ---- start ---------------------------------------------------------------------- */

static int take_lock(struct psc_daemon *daemon)
{
	if (mkdir(PSC_DIR_RUN, 0755) < 0 && errno != EEXIST)
		return -errno;
	daemon->lock_fd = open(PATH_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (daemon->lock_fd < 0)
		return -errno;
	return flock(daemon->lock_fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

static void read_host(struct psc_daemon *daemon)
{
	psc_handover_boot_id(daemon->boot_id);
	gethostname(daemon->hostname, sizeof(daemon->hostname) - 1);
}

/* Nothing can be put into force. A guard that is on shall have its daemon all the same. */
static int hold_policy(struct psc_daemon *daemon)
{
	const struct psc_control *control = &daemon->guard->shared->control;
	const struct psc_table *table =
		&daemon->guard->shared->table[control->generation & (PSC_SLOTS - 1)];

	psc_say("the guard goes on with what it has; mend what is refused, then proscribe reload");
	return psc_policy_hold(&daemon->options, table, &daemon->policy);
}

static int start_guard(struct psc_daemon *daemon, struct psc_problem *reterr)
{
	uint64_t features;
	int r = psc_guard_adopt(&daemon->guard, reterr);

	if (r < 0 && r != -ENOENT)
		return r;
	if (!r) {
		/* its time has been going on: it may be ahead of what was kept */
		r = psc_clock_open(daemon, psc_guard_time(daemon->guard, psc_time_boot()));
		if (r < 0)
			return r;
		psc_guard_set_clock(daemon->guard, &daemon->clock.clock);
		if (!daemon->policy.image)
			return hold_policy(daemon);
		psc_restored_recognise(daemon);
		return psc_guard_activate(daemon->guard, daemon->policy.image, reterr);
	}
	if (!daemon->policy.image) {
		psc_problem_set(reterr, "mend what is refused", "not started: there is no policy");
		return -ENODATA;
	}
	r = psc_clock_open(daemon, 0);
	if (!r)
		r = psc_kernel_probe(&features, reterr);
	if (!r)
		r = psc_guard_install(features, daemon->options.without, daemon->policy.image,
				      &daemon->clock.clock, &daemon->guard, reterr);
	return r;
}

static int watch(struct psc_daemon *daemon, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(daemon->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_loop(struct psc_daemon *daemon)
{
	struct itimerspec tick = {.it_interval.tv_sec = TICK_SECONDS,
				  .it_value.tv_sec = TICK_SECONDS};
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	daemon->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	daemon->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	daemon->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (daemon->epoll_fd < 0 || daemon->signal_fd < 0 || daemon->timer_fd < 0 ||
	    timerfd_settime(daemon->timer_fd, 0, &tick, NULL) < 0)
		return -errno;
	r = watch(daemon, daemon->signal_fd);
	if (!r)
		r = watch(daemon, daemon->timer_fd);
	return r;
}

/*
 * What cannot be read must not leave the host unguarded: then what was in force last is put
 * into force again, and `status` says so until a reload succeeds.
 */
static int load_policy(struct psc_daemon *daemon, struct psc_error *reterr)
{
	_cleanup_(psc_image_freep) struct psc_image *last = NULL;
	uint8_t digest[PSC_DIGEST_SIZE];
	int r;

	/* marks that a guard which is on has were made for its places' numbers */
	if (access(PSC_PATH_BPFFS, F_OK) == 0)
		psc_image_load(PSC_PATH_ACTIVE, &last, digest, NULL);
	psc_found_places_take(daemon, last);
	r = psc_policy_load(&daemon->options, psc_clock_kept(), last, &daemon->found_places,
			    &daemon->policy, reterr);
	if (!r)
		r = ready(daemon, &daemon->policy, psc_clock_kept(), reterr);
	if (!r)
		return 0;
	psc_policy_clear(&daemon->policy);
	psc_durable_end(&daemon->next);
	daemon->refused = *reterr;
	r = psc_policy_restore(&daemon->options, &daemon->policy, reterr);
	if (!r)
		r = psc_policy_arm(&daemon->policy, &daemon->canary, reterr);
	if (!r) {
		psc_say_error("refused, so what was in force last is restored", &daemon->refused);
		psc_restored_judge(daemon);
		return 0;
	}
	psc_policy_clear(&daemon->policy);
	daemon->unrestored = *reterr;
	psc_say_error("refused", &daemon->refused);
	psc_say_error("what was in force last cannot be restored", &daemon->unrestored);
	return r;
}

static void start_who(struct psc_daemon *daemon)
{
	int r = psc_who_reader_new(&daemon->who);

	/* records without it are better than none */
	if (r < 0)
		psc_say("executables, arguments and containers are not recorded: %s", strerror(-r));
}

/* Ring, log and control socket: from here on others take notice. */
static int open_doors(struct psc_daemon *daemon)
{
	static const struct psc_policy_set nothing;
	int r = psc_ring_new(daemon->guard->events_fd, &daemon->ring);

	if (!r)
		r = psc_journal_fold(daemon);
	if (!r)
		r = watch(daemon, daemon->clock_fd);
	if (!r)
		r = watch(daemon, daemon->guard->events_fd);
	if (r < 0)
		return r;
	psc_journal_open(daemon);
	daemon->heartbeat_boot_ns = psc_time_boot();
	psc_checkpoint_open(daemon);
	/* before the ring, which may be long: until then a place's number may be another's */
	psc_places_mark(daemon);
	/* then what happened while no daemon ran */
	start_who(daemon);
	psc_journal_drain(daemon);
	psc_left_record(daemon);
	psc_absence_record(daemon);
	record_start(daemon);
	psc_policy_digest_inputs(&daemon->policy, NULL);
	psc_changes_record_inputs(daemon, NULL, &daemon->policy, "start");
	psc_changes_record(daemon, &nothing, &daemon->policy.set, "start");
	if (daemon->policy.restored || daemon->policy.held)
		record_refusal(daemon, "start", &daemon->refused);
	psc_restored_record(daemon);
	psc_clock_started(daemon);
	psc_checkpoint_write(daemon);
	r = psc_control_open(daemon);
	return r < 0 ? r : watch(daemon, daemon->control_fd);
}

/* The guard does without it: what is listed is refused all the same. */
static void start_resolver(struct psc_daemon *daemon)
{
	int r = psc_resolver_start(daemon);

	if (r >= 0) {
		daemon->resolver_fd = r;
		r = watch(daemon, r);
	}
	if (r < 0)
		psc_say("listed products are not looked for: %s", strerror(-r));
}

static int start(struct psc_daemon *daemon)
{
	struct psc_problem problem = {};
	struct psc_error error = {};
	int r = take_lock(daemon);

	if (r < 0) {
		psc_say(r == -EWOULDBLOCK ? "another proscribed is running"
					  : "%s cannot be locked: %s",
			PATH_LOCK, strerror(-r));
		return r;
	}
	read_host(daemon);
	psc_absence_read(daemon);
	psc_sightings_open(daemon);
	r = psc_canary_init(&daemon->canary);
	if (r < 0) {
		psc_say("the canary cannot be made: %s", strerror(-r));
		return r;
	}
	/* the guard that is on may do without */
	load_policy(daemon, &error);
	psc_left_collect(daemon);
	r = open_loop(daemon);
	if (r < 0) {
		psc_say("the event loop cannot be set up: %s", strerror(-r));
		return r;
	}
	r = start_guard(daemon, &problem);
	if (!r) {
		introduce(daemon);
		/* what is held has no canary of ours */
		r = daemon->policy.held ? 0 : prove_guard(daemon, &problem);
	}
	if (r < 0) {
		if (!problem.message[0])
			psc_problem_set(&problem, "", "the guard: %s", strerror(-r));
		say_problem(&problem);
		return r;
	}
	daemon->policy.generation = daemon->guard->shared->control.generation;
	if (!daemon->policy.restored && !daemon->policy.held)
		keep(daemon);
	r = open_doors(daemon);
	if (r < 0)
		psc_say("not started: %s", strerror(-r));
	else
		start_resolver(daemon);
	return r;
}

/* ---- loop ----------------------------------------------------------------------- */

static void handle_signal(struct psc_daemon *daemon)
{
	struct signalfd_siginfo info;

	while (read(daemon->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload_by_signal(daemon, &info);
		else
			daemon->stopping = true;
	}
}

/* While the log fails the ring is not watched: its events would wake us for nothing. */
static void watch_ring(struct psc_daemon *daemon)
{
	struct epoll_event event = {.events = daemon->log_error < 0 ? 0 : EPOLLIN,
				    .data.fd = daemon->guard->events_fd};

	epoll_ctl(daemon->epoll_fd, EPOLL_CTL_MOD, daemon->guard->events_fd, &event);
}

static void handle_tick(struct psc_daemon *daemon)
{
	uint64_t expirations;

	if (read(daemon->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	psc_clock_tick(daemon);
	psc_resolver_tick(daemon);
	psc_places_mark(daemon);
	psc_journal_drain_some(daemon);
	psc_journal_repeats(daemon, false);
	psc_journal_losses(daemon);
	psc_seen_tick(daemon, false);
	psc_checkpoint_tick(daemon);
	psc_logkeep_tick(daemon);
	psc_sinks_tick(daemon);
	psc_off_tick(daemon);
	psc_tamper_tick(daemon);
	psc_absence_tick(daemon);
}

static void handle(struct psc_daemon *daemon, int fd)
{
	if (fd == daemon->signal_fd)
		handle_signal(daemon);
	else if (fd == daemon->timer_fd)
		handle_tick(daemon);
	else if (fd == daemon->clock_fd)
		psc_clock_tick(daemon);
	else if (fd == daemon->control_fd)
		psc_control_serve(daemon);
	else if (fd == daemon->resolver_fd)
		psc_resolver_handle(daemon);
	else
		psc_journal_drain_some(daemon);
}

static void loop(struct psc_daemon *daemon)
{
	struct epoll_event events[8];

	while (!daemon->stopping) {
		int n = epoll_wait(daemon->epoll_fd, events, ARRAY_SIZE(events),
				   psc_journal_timeout(daemon));

		for (int i = 0; i < n && !daemon->stopping; i++)
			handle(daemon, events[i].data.fd);
		if (!psc_journal_timeout(daemon))
			psc_journal_repeats(daemon, false);
		watch_ring(daemon);
	}
}

/* What is left behind is a member of its own: a report tells by it when the guard was on. */
static void record_stop(struct psc_daemon *daemon, enum psc_guard_state state)
{
	static const char *const messages[] = {
		[PSC_GUARD_ON] = "stopped; the guard stays on",
		[PSC_GUARD_UNPINNED] = "stopped; the guard is unpinned, not dropped yet",
		[PSC_GUARD_OFF] = "stopped; the guard is off",
	};
	json_t *record;

	if (psc_journal_record(daemon, "stop", &record) < 0)
		return;
	psc_record_message(record, "%s", messages[state]);
	psc_record_set_string(record, "guard", psc_guard_state_to_string(state));
	psc_journal_policy(daemon, record);
	psc_journal_write(daemon, record);
}

static void stop(struct psc_daemon *daemon)
{
	enum psc_guard_state state = psc_off_state(daemon);

	psc_notify("STOPPING=1");
	unlink(PSC_PATH_CONTROL_SOCKET);
	psc_resolver_stop(daemon);
	psc_journal_drain(daemon);
	psc_journal_repeats(daemon, true);
	psc_journal_losses(daemon);
	psc_seen_tick(daemon, true);
	daemon->who = psc_who_reader_free(daemon->who);
	psc_found_places_clear(&daemon->found_places);
	psc_clock_keep(daemon);
	record_stop(daemon, state);
	psc_checkpoint_write(daemon);
	psc_sinks_close(daemon);
	if (state == PSC_GUARD_ON)
		psc_say("stopped; the guard stays on (proscribe off removes it)");
}

int psc_daemon_run(struct psc_daemon *daemon)
{
	if (start(daemon) < 0) {
		psc_durable_end(&daemon->next);
		return EXIT_FAILURE;
	}
	psc_say("%s: %zu digests in force, %s mode",
		daemon->guard->adopted ? "the guard was on, taken over" : "the guard is on",
		daemon->policy.image->listed, psc_mode_to_string(daemon->policy.config->mode));
	psc_notify("READY=1");
	loop(daemon);
	stop(daemon);
	return EXIT_SUCCESS;
}
