/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_watch.c - what makes the resolver look: package databases that change, file
 * systems that are mounted, files that their writer closed or that were moved; see
 * resolver_internal.h. Never a permission event: nobody waits for this daemon.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include "user/core/timefmt.h"
#include "user/daemon/resolver_internal.h"

#define EVENTS_SIZE 16384

static int watch(struct psc_daemon *daemon, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(daemon->resolver->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void record_problem(struct psc_daemon *daemon, const char *type, const char *message)
{
	json_t *record;

	if (psc_journal_record(daemon, type, &record) < 0)
		return;
	psc_record_message(record, "%s", message);
	psc_record_failed(record);
	psc_journal_write(daemon, record);
}

/* ---- packages ----------------------------------------------------------------------- */

static void open_packages(struct psc_daemon *daemon)
{
	static const char *const directories[] = {"/var/lib/dpkg", "/var/lib/rpm",
						  "/usr/lib/sysimage/rpm"};
	struct psc_resolver_watch *w = &daemon->resolver->watch;

	if (w->packages_fd < 0) {
		w->packages_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (w->packages_fd < 0)
			return;
		watch(daemon, w->packages_fd, EPOLLIN);
	}
	/* again at a reload: one may have come since, and the others stay as they are */
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		inotify_add_watch(w->packages_fd, directories[i],
				  IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY | IN_ONLYDIR);
}

/* dpkg renames a new status into place and keeps logs and locks beside it. */
static bool is_database(const char *name)
{
	return strcmp(name, "status") == 0 || strncmp(name, "rpmdb.sqlite", 12) == 0 ||
	       strcmp(name, "Packages") == 0 || strcmp(name, "Packages.db") == 0;
}

void psc_resolver_watch_packages(struct psc_daemon *daemon)
{
	char buffer[EVENTS_SIZE] __attribute__((aligned(__alignof__(struct inotify_event))));
	int fd = daemon->resolver->watch.packages_fd;
	ssize_t n = read(fd, buffer, sizeof(buffer));
	bool changed = false;

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(buffer + at);

		changed |= event->mask & IN_Q_OVERFLOW || (event->len && is_database(event->name));
		at += sizeof(*event) + event->len;
	}
	if (changed)
		psc_resolver_ask(daemon);
}

/* ---- file systems ------------------------------------------------------------------- */

/* The thread does it: the way to a mount may lead over a server that never answers. */
void psc_resolver_watch_mounts(struct psc_daemon *daemon)
{
	struct psc_resolver *resolver = daemon->resolver;
	struct psc_resolver_job *job;

	if (!resolver->know || resolver->watch.files_fd < 0)
		return;
	job = psc_resolver_job_new(PSC_JOB_MOUNTS, resolver->know);
	if (!job)
		return;
	/* its own: the watch may end before the job does, and the numbers be somebody else's */
	job->files_fd = fcntl(resolver->watch.files_fd, F_DUPFD_CLOEXEC, 3);
	if (resolver->watch.moves_fd >= 0)
		job->moves_fd = fcntl(resolver->watch.moves_fd, F_DUPFD_CLOEXEC, 3);
	psc_resolver_push(&resolver->queue, job);
}

/* While a job has a copy of it, closing alone would leave it in the set. */
static void end_watch(int epoll_fd, int *fd)
{
	if (*fd >= 0)
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, *fd, NULL);
	psc_closep(fd);
	*fd = -1;
}

static void close_files(struct psc_resolver *resolver)
{
	struct psc_resolver_watch *w = &resolver->watch;

	end_watch(resolver->epoll_fd, &w->mounts_fd);
	end_watch(resolver->epoll_fd, &w->files_fd);
	end_watch(resolver->epoll_fd, &w->moves_fd);
	w->file_systems = 0;
	w->files_error = w->moves_error = 0;
	w->paused = false;
}

static void open_files(struct psc_daemon *daemon)
{
	struct psc_resolver_watch *w = &daemon->resolver->watch;
	char message[256];
	int error;

	if (!daemon->policy.config->resolver.new_files) {
		close_files(daemon->resolver);
		return;
	}
	if (w->files_fd >= 0) {
		/* what the catalog says may not have been known when they were opened */
		psc_resolver_watch_mounts(daemon);
		return;
	}
	w->files_fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK,
				    O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
	w->files_error = w->files_fd < 0 ? -errno : 0;
	w->moves_fd = fanotify_init(
		FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_DFID_NAME, 0);
	w->moves_error = w->moves_fd < 0 ? -errno : 0;
	w->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (w->files_fd >= 0)
		watch(daemon, w->files_fd, EPOLLIN);
	if (w->moves_fd >= 0)
		watch(daemon, w->moves_fd, EPOLLIN);
	if (w->mounts_fd >= 0)
		watch(daemon, w->mounts_fd, EPOLLPRI);
	psc_resolver_watch_mounts(daemon);
	error = w->files_error;
	if (!error)
		return;
	close_files(daemon->resolver);
	w->files_error = error;
	snprintf(message, sizeof(message),
		 "fanotify cannot be used, so new files are seen only when packages change: %s",
		 strerror(-error));
	psc_say("%s", message);
	record_problem(daemon, "resolver_blind", message);
}

/* ---- closed files ------------------------------------------------------------------- */

static void overflow(struct psc_daemon *daemon)
{
	daemon->resolver->watch.overflows++;
	daemon->resolver->watch.overflow_ns = psc_time_boot();
	record_problem(
		daemon, "resolver_overflow",
		"more files were written at once than could be looked at: listed places and "
		"packages are looked at again; elsewhere proscribe scan --host finds what was missed");
	psc_resolver_ask(daemon);
}

/* The kernel drops the event for which it could not open the file. */
static void check_read(struct psc_daemon *daemon, ssize_t n)
{
	if (n < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		overflow(daemon);
}

/*
 * The wall clock of the last change: the file was closed then or later. The time of closing
 * itself is not told, and the event may have waited.
 */
static uint64_t changed_at(const struct stat *st)
{
	return st->st_ctim.tv_sec * PSC_NSEC_PER_SEC + st->st_ctim.tv_nsec;
}

/* Takes @fd. */
static void submit(struct psc_daemon *daemon, int file)
{
	_cleanup_close_ int fd = file;
	struct psc_resolver *resolver = daemon->resolver;
	char link[64], path[PATH_MAX];
	struct psc_resolver_job *job;
	struct stat st;
	ssize_t n;

	if (!daemon->policy.config->resolver.new_files || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode) || !st.st_size)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	job = n > 0 ? psc_resolver_job_new(PSC_JOB_FILE, resolver->know) : NULL;
	if (!job)
		return;
	path[n] = 0;
	job->fd = TAKE_FD(fd);
	job->fresh = true;
	job->changed_ns = changed_at(&st);
	if (psc_facts_addf(&job->facts, PSC_FACT_PATH, 0, "%s", path) < 0) {
		psc_resolver_job_free(job);
		return;
	}
	resolver->watch.seen++;
	psc_resolver_push(&resolver->queue, job);
}

/* One read of events. */
void psc_resolver_watch_files(struct psc_daemon *daemon)
{
	char buffer[sizeof(struct fanotify_event_metadata) * 32]
		__attribute__((aligned(__alignof__(struct fanotify_event_metadata))));
	struct psc_resolver *resolver = daemon->resolver;
	const struct fanotify_event_metadata *event = (const void *)buffer;
	ssize_t n;

	n = read(resolver->watch.files_fd, buffer, sizeof(buffer));
	check_read(daemon, n);
	for (; n > 0 && FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
		if (event->mask & FAN_Q_OVERFLOW)
			overflow(daemon);
		if (event->fd < 0)
			continue;
		if (event->pid == getpid() || !resolver->know)
			close(event->fd);
		else
			submit(daemon, event->fd);
	}
}

/* ---- moved files -------------------------------------------------------------------- */

/* The directory's handle and the name in it, of one event: for the thread to open. */
static void take_move(struct psc_daemon *daemon, const struct fanotify_event_info_fid *info,
		      bool is_directory)
{
	const struct file_handle *handle = (const void *)info->handle;
	const char *name = (const char *)handle->f_handle + handle->handle_bytes;
	struct psc_resolver *resolver = daemon->resolver;
	size_t size = sizeof(*handle) + handle->handle_bytes;
	struct psc_resolver_job *job = psc_resolver_job_new(PSC_JOB_MOVE, resolver->know);

	if (!job)
		return;
	memcpy(&job->move.file_system, &info->fsid, sizeof(job->move.file_system));
	job->move.is_directory = is_directory;
	job->move.name = strdup(name);
	job->move.handle = malloc(size);
	if (!job->move.name || !job->move.handle) {
		psc_resolver_job_free(job);
		return;
	}
	memcpy(job->move.handle, handle, size);
	psc_resolver_push(&resolver->queue, job);
}

void psc_resolver_watch_moves(struct psc_daemon *daemon)
{
	char buffer[EVENTS_SIZE]
		__attribute__((aligned(__alignof__(struct fanotify_event_metadata))));
	struct psc_resolver *resolver = daemon->resolver;
	const struct fanotify_event_metadata *event = (const void *)buffer;
	ssize_t n;

	n = read(resolver->watch.moves_fd, buffer, sizeof(buffer));
	check_read(daemon, n);
	for (; n > 0 && FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
		const struct fanotify_event_info_fid *info = (const void *)(event + 1);

		if (event->mask & FAN_Q_OVERFLOW)
			overflow(daemon);
		if (event->event_len < sizeof(*event) + sizeof(*info) || event->pid == getpid() ||
		    info->hdr.info_type != FAN_EVENT_INFO_TYPE_DFID_NAME || !resolver->know ||
		    !daemon->policy.config->resolver.new_files)
			continue;
		take_move(daemon, info, event->mask & FAN_ONDIR);
	}
}

void psc_resolver_watch_intake(struct psc_resolver *resolver, bool open)
{
	const int fds[] = {resolver->watch.files_fd, resolver->watch.moves_fd};

	if (open == !resolver->watch.paused)
		return;
	resolver->watch.paused = !open;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct epoll_event event = {.events = open ? EPOLLIN : 0, .data.fd = fds[i]};

		if (fds[i] >= 0)
			epoll_ctl(resolver->epoll_fd, EPOLL_CTL_MOD, fds[i], &event);
	}
}

/* ---- all ---------------------------------------------------------------------------- */

void psc_resolver_watch_adjust(struct psc_daemon *daemon)
{
	if (!daemon->policy.config->resolver.enabled) {
		psc_resolver_watch_close(daemon->resolver);
		return;
	}
	open_packages(daemon);
	open_files(daemon);
}

void psc_resolver_watch_close(struct psc_resolver *resolver)
{
	end_watch(resolver->epoll_fd, &resolver->watch.packages_fd);
	close_files(resolver);
}
