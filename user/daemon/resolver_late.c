/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_late.c - programs that ran before their content was found: recorded and, where
 * they would be refused now, ended. The unit is stopped first, so that it is not started
 * anew; then SIGKILL. Never SIGSTOP or a freezer: a stopped listener of fanotify permission
 * events stops everything that opens files. See resolver_internal.h.
 */
#include "user/core/util.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "bpf/decide.h"
#include "user/core/digest.h"
#include "user/core/names.h"
#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define MAPS_MAX   4096 /* lines of one process */
#define UNIT_MAX   256
#define GRACE_MS   5000			   /* for the unit to stop */
#define ENDING_NS  (20 * PSC_NSEC_PER_SEC) /* an ending takes no longer */
#define SYSTEMCTL  "/usr/bin/systemctl"
#define SYSTEMD_ON "/run/systemd/system"

/* ---- looking, in the thread ----------------------------------------------------------- */

/* A file that was looked at already: libraries are mapped by hundreds of processes. */
struct seen {
	struct stat st;
	const struct psc_resolver_digest *digest; /* NULL: not listed */
};

struct look {
	struct psc_resolver_thread *thread;
	const struct psc_resolver_job *job;
	struct seen *seen;
	size_t count;
};

static int compare_digest(const void *a, const void *b)
{
	return memcmp(a, b, PSC_DIGEST_SIZE);
}

static bool has_size(const struct psc_resolver_job *job, uint64_t size)
{
	for (size_t i = 0; i < job->listed_count; i++) {
		if (job->listed[i].size == size)
			return true;
	}
	return false;
}

/* Which listed content the file behind @link (below /proc) has. */
static const struct psc_resolver_digest *digest_of(struct look *look, const char *link)
{
	const struct psc_resolver_digest *found = NULL;
	uint8_t digest[PSC_DIGEST_SIZE];
	_cleanup_close_ int fd = -1;
	struct seen *grown;
	struct stat st;

	if (stat(link, &st) < 0 || !S_ISREG(st.st_mode) || !has_size(look->job, st.st_size))
		return NULL;
	for (size_t i = 0; i < look->count; i++) {
		if (look->seen[i].st.st_ino == st.st_ino && look->seen[i].st.st_dev == st.st_dev)
			return look->seen[i].digest;
	}
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && !psc_digest_fd(fd, digest, NULL))
		found = bsearch(digest, look->job->listed, look->job->listed_count,
				sizeof(*look->job->listed), compare_digest);
	grown = reallocarray(look->seen, look->count + 1, sizeof(*grown));
	if (grown) {
		look->seen = grown;
		grown[look->count++] = (struct seen){st, found};
	}
	return found;
}

/* Field 22 of /proc/PID/stat (proc(5)); 0 when the process is gone. */
static uint64_t start_of(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[1024], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f || !fgets(line, sizeof(line), f) || !(p = strrchr(line, ')')))
		return 0;
	for (int field = 2; field < 22 && p; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

/* The system unit of a process, by its control group: ".../NAME.service" or below. */
static char *unit_of(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[PATH_MAX], *p, *end;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "0::/system.slice/", 17) != 0)
			continue;
		for (p = line + 17; (end = strstr(p, ".service")); p = end + 8) {
			if (end[8] != '/' && end[8])
				continue;
			end[8] = 0;
			p = strrchr(line, '/') + 1;
			return strlen(p) < UNIT_MAX && p[0] != '-' ? strdup(p) : NULL;
		}
	}
	return NULL;
}

/* Whether the host needs the program that the process runs, whatever it has mapped. */
static bool needs_host(struct look *look, pid_t pid, const struct psc_resolver_digest *digest)
{
	char link[64], path[PATH_MAX];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || stat(link, &st) < 0)
		return true; /* it is gone, or a kernel thread */
	path[n] = 0;
	return psc_resolver_is_essential(look->thread, path, &st, digest->digest);
}

static void answer(struct look *look, pid_t pid, const char *link, bool library,
		   const struct psc_resolver_digest *digest)
{
	struct psc_resolver_result *result = psc_resolver_result_new(PSC_RESULT_PROCESS);
	char path[PATH_MAX];
	ssize_t n = readlink(link, path, sizeof(path) - 1);

	if (!result)
		return;
	path[n > 0 ? n : 0] = 0;
	result->path = strdup(path);
	result->pid = pid;
	result->start_ticks = start_of(pid);
	result->unit = unit_of(pid);
	result->library = library;
	result->essential = needs_host(look, pid, digest);
	result->size = digest->size;
	memcpy(result->digest, digest->digest, PSC_DIGEST_SIZE);
	/* it may have ended, or executed something else, in the middle of this */
	if (!result->path || !result->start_ticks || digest_of(look, link) != digest)
		psc_resolver_result_free(result);
	else
		psc_resolver_answer(look->thread->queue, result);
}

/* The first listed library that it has mapped executable, if any. */
static void look_at_maps(struct look *look, pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[PATH_MAX + 128];
	unsigned int lines = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f) && lines++ < MAPS_MAX) {
		const struct psc_resolver_digest *digest;
		unsigned long from, to, inode;
		char rights[8], link[96];

		if (sscanf(line, "%lx-%lx %7s %*x %*s %lu", &from, &to, rights, &inode) != 4 ||
		    rights[2] != 'x' || !inode)
			continue;
		snprintf(link, sizeof(link), "/proc/%d/map_files/%lx-%lx", pid, from, to);
		digest = digest_of(look, link);
		if (!digest)
			continue;
		answer(look, pid, link, true, digest);
		return;
	}
}

static void look_at_process(struct look *look, pid_t pid)
{
	const struct psc_resolver_digest *digest;
	char link[64];

	if (pid == getpid())
		return;
	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	digest = digest_of(look, link);
	if (digest)
		answer(look, pid, link, false, digest);
	else
		look_at_maps(look, pid);
}

void psc_resolver_look_late(struct psc_resolver_thread *t, const struct psc_resolver_job *job)
{
	struct psc_resolver_result *done = psc_resolver_result_new(PSC_RESULT_LATE_DONE);
	struct look look = {.thread = t, .job = job};
	DIR *directory = opendir("/proc");
	struct dirent *entry;

	while (directory && psc_resolver_progress(t->queue) && (entry = readdir(directory))) {
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_process(&look, strtol(entry->d_name, NULL, 10));
	}
	if (directory)
		closedir(directory);
	free(look.seen);
	if (done)
		psc_resolver_answer(t->queue, done);
}

/* ---- ending, in a thread for the while ------------------------------------------------ */

struct ending {
	pid_t pid;
	uint64_t start_ticks;
	int pidfd;
	char *unit;
};

/* Runs systemctl for @ms at most; its output, cut to @size. Whether it said all right. */
static bool systemctl(char *const arguments[], char *output, size_t size, int ms)
{
	char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
	posix_spawn_file_actions_t actions;
	struct pollfd said = {.events = POLLIN};
	int ends[2], status = -1;
	size_t have = 0;
	ssize_t n = 1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	if (posix_spawn(&pid, SYSTEMCTL, &actions, NULL, arguments, environment))
		pid = -1;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	said.fd = ends[0];
	while (pid > 0 && n > 0 && have + 1 < size && poll(&said, 1, ms) > 0) {
		n = read(ends[0], output + have, size - 1 - have);
		have += n > 0 ? n : 0;
	}
	close(ends[0]);
	output[have] = 0;
	if (pid <= 0)
		return false;
	/* it has closed its output, so it is about to end, or it hangs */
	if (n > 0)
		kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool runs_same(pid_t a, pid_t b)
{
	struct stat first, second;
	char link[64];

	snprintf(link, sizeof(link), "/proc/%d/exe", a);
	if (stat(link, &first) < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/%d/exe", b);
	return stat(link, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

/* Whether the unit is there to run this program: others may have started it, a shell in ssh's. */
static bool is_main(const struct ending *ending)
{
	char *const arguments[] = {"systemctl",	 "show", "--property=MainPID", "--value", "--",
				   ending->unit, NULL};
	char output[32];
	pid_t pid;

	if (!systemctl(arguments, output, sizeof(output), GRACE_MS))
		return false;
	pid = strtol(output, NULL, 10);
	return pid > 1 && (pid == ending->pid || runs_same(pid, ending->pid));
}

static void stop_unit(const struct ending *ending)
{
	char *const arguments[] = {"systemctl", "stop", "--no-block", "--", ending->unit, NULL};
	char output[8];

	systemctl(arguments, output, sizeof(output), GRACE_MS);
}

static void *end_process(void *data)
{
	struct ending *ending = data;
	struct pollfd gone = {.fd = ending->pidfd, .events = POLLIN};

	if (ending->unit && !access(SYSTEMD_ON, F_OK) && is_main(ending)) {
		stop_unit(ending);
		poll(&gone, 1, GRACE_MS);
	}
	/* the descriptor is of the process that had this start time: no other can be hit */
	syscall(SYS_pidfd_send_signal, ending->pidfd, SIGKILL, NULL, 0);
	close(ending->pidfd);
	free(ending->unit);
	free(ending);
	return NULL;
}

/* False when it is gone already, or another by now. */
static bool begin_ending(const struct psc_resolver_result *result)
{
	struct ending *ending = calloc(1, sizeof(*ending));
	pthread_t id;

	if (!ending)
		return false;
	ending->pid = result->pid;
	ending->start_ticks = result->start_ticks;
	ending->pidfd = syscall(SYS_pidfd_open, result->pid, 0);
	ending->unit = result->unit ? strdup(result->unit) : NULL;
	if (ending->pidfd >= 0 && start_of(result->pid) == result->start_ticks &&
	    !pthread_create(&id, NULL, end_process, ending)) {
		pthread_detach(id);
		return true;
	}
	psc_closep(&ending->pidfd);
	free(ending->unit);
	free(ending);
	return false;
}

/* ---- deciding, in the daemon ---------------------------------------------------------- */

/* What the policy says now of executing or loading this content. */
static enum psc_action action_on(struct psc_daemon *daemon,
				 const struct psc_resolver_result *result)
{
	const struct psc_table *table = &daemon->policy.image->table;
	const struct psc_digest_record *record =
		psc_image_lookup(daemon->policy.image, result->digest);
	uint32_t interval = psc_interval_at(table, psc_clock_guard_now(daemon));

	if (!record || record->subject < PSC_SUBJECT_FIRST)
		return PSC_ACTION_ALLOW;
	return table->action[interval][table->class_of[record->subject]]
			    [result->library ? PSC_OP_LOAD : PSC_OP_EXEC];
}

static void record_late(struct psc_daemon *daemon, const struct psc_resolver_result *result,
			enum psc_action action, const char *done)
{
	struct psc_list_entry entry;
	json_t *record;

	if (psc_journal_record(daemon, "late", &record) < 0)
		return;
	psc_record_message(record, "process %d %s listed content since before it was known: %s",
			   result->pid, result->library ? "has mapped" : "runs", done);
	psc_record_set(record, "pid", json_integer(result->pid));
	psc_record_set_string(record, "path", result->path);
	psc_record_set_string(record, "unit", result->unit);
	psc_record_set_string(record, "op",
			      psc_op_to_string(result->library ? PSC_OP_LOAD : PSC_OP_EXEC));
	psc_record_set_string(record, "action", psc_action_to_string(action));
	psc_record_set_string(record, "outcome", done);
	if (!psc_list_find(daemon->policy.list, result->digest, &entry)) {
		psc_record_set_string(record, "product", entry.product);
		psc_sightings_see(daemon, &(struct psc_sighting){.product = entry.product,
								 .how = "runs",
								 .path = result->path,
								 .at = psc_time_now()});
	}
	psc_journal_write(daemon, record);
}

/* True when an ending of it is under way. Remembers a new one. */
static bool is_ending(struct psc_resolver *resolver, const struct psc_resolver_result *result)
{
	uint64_t now = psc_time_boot();

	for (size_t i = 0; i < PSC_RESOLVER_ENDING_MAX; i++) {
		const struct psc_resolver_ending *one = &resolver->ending[i];

		if (one->pid == result->pid && one->start_ticks == result->start_ticks &&
		    now < one->begun_ns + ENDING_NS)
			return true;
	}
	resolver->ending[resolver->endings++ % PSC_RESOLVER_ENDING_MAX] =
		(struct psc_resolver_ending){result->pid, result->start_ticks, now};
	return false;
}

/* What is done about it: never anything that the host could not bear if the finding were wrong. */
static const char *deal_with(struct psc_daemon *daemon, const struct psc_resolver_result *result)
{
	/* whose program it is, is another matter than what it has loaded */
	if (result->library)
		return "left running: a library alone";
	if (result->essential || result->pid == 1)
		return "left running: the host needs it";
	if (!daemon->policy.config->resolver.stop)
		return "left running";
	if (daemon->policy.config->mode != PSC_MODE_ENFORCE)
		return "would be ended";
	return is_ending(daemon->resolver, result) || begin_ending(result) ? "ended"
									   : "gone already";
}

void psc_resolver_late(struct psc_daemon *daemon, const struct psc_resolver_result *result)
{
	enum psc_action action = action_on(daemon, result);
	const char *done = "left running";
	uint64_t process = ((uint64_t)result->pid << 40) ^ result->start_ticks;

	if (action == PSC_ACTION_ALLOW)
		return;
	if (action == PSC_ACTION_DENY)
		done = deal_with(daemon, result);
	if (!psc_resolver_said(daemon->resolver, "late", result->path, process))
		daemon->resolver->late++;
	/* a record once for each thing that was done, the thing itself as often as it takes */
	if (psc_resolver_said(daemon->resolver, done, result->path, process))
		return;
	if (!strcmp(done, "ended"))
		daemon->resolver->stopped++;
	record_late(daemon, result, action, done);
}
