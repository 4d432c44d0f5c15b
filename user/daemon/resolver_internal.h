/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_internal.h - what the parts of resolver.h share. Only resolver*.c include it.
 *
 *   resolver.c         the daemon's side: results in, activation and records out
 *   resolver_queue.c   jobs to the thread, results from it
 *   resolver_run.c     the thread: which files to look at, and what they are
 *   resolver_collect.c the thread: files of listed places, packages, units, processes
 *   resolver_identify.c what the content of a file shows, by proscribe-identify
 *   resolver_watch.c   package databases, mounts and closed files
 *   resolver_late.c    what runs already
 *   resolver_origin.c  content of the distribution's packages
 *   resolver_status.c  what the status shows
 */
#pragma once

#include <pthread.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "user/core/found.h"
#include "user/daemon/daemon.h"
#include "user/daemon/identify.h"
#include "user/daemon/resolver.h"

#define PSC_RESOLVER_JOBS_MAX 256 /* files that wait: each holds a descriptor */

/* What a look is taken with; replaced as one, shared by jobs. */
struct psc_resolver_know {
	int users; /* atomic */
	struct psc_indicators *indicators;
	enum psc_confidence least;
	uint64_t limit; /* bytes of the largest file that the kernel digests */
};

struct psc_resolver_know *psc_resolver_know_use(struct psc_resolver_know *know);
void psc_resolver_know_drop(struct psc_resolver_know *know);

enum psc_resolver_job_kind {
	PSC_JOB_RUN,  /* look at everything */
	PSC_JOB_FILE, /* look at fd */
	PSC_JOB_LATE, /* which processes run what is listed */
};

struct psc_resolver_digest {
	uint8_t digest[PSC_DIGEST_SIZE];
	uint64_t size;
};

struct psc_resolver_job {
	struct psc_resolver_job *next;
	enum psc_resolver_job_kind kind;
	struct psc_resolver_know *know;
	int fd;				    /* of PSC_JOB_FILE */
	struct psc_facts facts;		    /* that are known of it already */
	bool identified;		    /* these are what proscribe-identify found */
	bool fresh;			    /* it was just closed or moved */
	uint64_t changed_ns;		    /* wall clock: when it was closed, at the latest */
	struct psc_resolver_digest *listed; /* of PSC_JOB_LATE, by digest */
	size_t listed_count;
};

enum psc_resolver_result_kind {
	PSC_RESULT_FILE,    /* a recognised file */
	PSC_RESULT_UNKNOWN, /* a new file of a format that counts: its content may tell */
	PSC_RESULT_PROCESS, /* runs what is listed */
	PSC_RESULT_RUN_DONE,
	PSC_RESULT_LATE_DONE,
};

struct psc_resolver_result {
	struct psc_resolver_result *next;
	enum psc_resolver_result_kind kind;
	/* a file; of a process: the program or library */
	char *path;
	char *product;
	char *rule;
	char *version; /* NULL: not known */
	enum psc_role role;
	enum psc_confidence confidence;
	enum psc_format format;
	uint64_t size;
	uint8_t digest[PSC_DIGEST_SIZE];
	bool digested;
	bool fresh;
	enum psc_found_outcome outcome;
	uint64_t changed_ns;
	int fd; /* of PSC_RESULT_UNKNOWN */
	/* a process */
	pid_t pid;
	uint64_t start_ticks;
	char *unit; /* NULL: of none */
	bool library;
	/* a run */
	size_t examined;
	size_t recognised;
	uint64_t took_ns;
	bool truncated; /* there was more than is looked at */
};

/* ---- resolver_queue.c: safe from both sides */

struct psc_resolver_queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct psc_resolver_job *first, **last;
	struct psc_resolver_result *results, **results_last;
	size_t jobs;  /* that wait */
	int event_fd; /* readable when there are results */
	bool started;
};

int psc_resolver_queue_start(struct psc_resolver_queue *queue, void *(*thread)(void *));
struct psc_resolver_job *psc_resolver_job_new(enum psc_resolver_job_kind kind,
					      struct psc_resolver_know *know);
void psc_resolver_job_free(struct psc_resolver_job *job);

/* Takes the job. */
void psc_resolver_push(struct psc_resolver_queue *queue, struct psc_resolver_job *job);

/* For the thread: waits for the next one, which it frees. */
struct psc_resolver_job *psc_resolver_next(struct psc_resolver_queue *queue);

/* The same for a new file that waits, in the middle of something longer; NULL: none does. */
struct psc_resolver_job *psc_resolver_next_file(struct psc_resolver_queue *queue);

/* For the thread: hands a result over, which the daemon frees. */
void psc_resolver_answer(struct psc_resolver_queue *queue, struct psc_resolver_result *result);

/* For the daemon: everything that has come, as a list; NULL nothing. */
struct psc_resolver_result *psc_resolver_take(struct psc_resolver_queue *queue);
void psc_resolver_result_free(struct psc_resolver_result *result);
size_t psc_resolver_waiting(struct psc_resolver_queue *queue);

/* ---- resolver_run.c */

void *psc_resolver_thread(void *queue);

/* ---- resolver_collect.c */

/* One file, with all that is known of it before it is opened. */
struct psc_resolver_found {
	char *path; /* resolved; or below /proc */
	struct psc_facts facts;
	struct stat st;
	bool linked;   /* only by a link that leads out of the vendor's places */
	bool digested; /* with the identity, size and times of st */
	uint8_t digest[PSC_DIGEST_SIZE];
};

#define PSC_RESOLVER_FILES_MAX 65536

struct psc_resolver_files {
	struct psc_resolver_found **file; /* by device and inode */
	size_t count;
	bool full; /* there would have been more */
};

/* Every file that the indicators give reason to look at. -ENOMEM. */
int psc_resolver_collect(const struct psc_resolver_know *know, struct psc_resolver_files *files);
void psc_resolver_files_clear(struct psc_resolver_files *files);

/* The file with this identity, or NULL. */
struct psc_resolver_found *psc_resolver_files_find(const struct psc_resolver_files *files,
						   const struct stat *st);

/* ---- resolver_origin.c */

/* MD5 of what the distribution's packages installed. */
struct psc_resolver_origin {
	uint8_t (*md5)[16]; /* sorted */
	size_t count;
	struct timespec stamp; /* of the directory when it was read */
};

/* Reads again if packages changed. Packages of @know's vendors are left out. */
void psc_resolver_origin_refresh(struct psc_resolver_origin *origin,
				 const struct psc_resolver_know *know);
bool psc_resolver_origin_has(const struct psc_resolver_origin *origin, int fd);

/* ---- resolver_watch.c */

struct psc_resolver_watch {
	int packages_fd; /* inotify */
	int mounts_fd;	 /* /proc/self/mountinfo */
	int files_fd;	 /* fanotify: closed after writing */
	int moves_fd;	 /* fanotify: moved */
	int files_error; /* negative errno: new files are not seen */
	int moves_error;
	unsigned int file_systems; /* that are watched */
	uint64_t overflows;
	uint64_t seen; /* closed files */
	bool paused;
	char moved_on[256]; /* a mount of the file system of the last move, "" none */
};

/*
 * Whether events are read. While too many files wait for the thread the others stay in the
 * kernel's queue, which costs no descriptors and says when it overflows.
 */
void psc_resolver_watch_intake(struct psc_resolver *resolver, bool open);

void psc_resolver_watch_open(struct psc_daemon *daemon);

/* Begins with new files, unless that is done or switched off. */
void psc_resolver_watch_begin_files(struct psc_daemon *daemon);
void psc_resolver_watch_close(struct psc_resolver_watch *watch);
void psc_resolver_watch_packages(struct psc_daemon *daemon);
void psc_resolver_watch_mounts(struct psc_daemon *daemon);
void psc_resolver_watch_files(struct psc_daemon *daemon);
void psc_resolver_watch_moves(struct psc_daemon *daemon);

/* ---- resolver_late.c */

/* The thread: answers with every process that runs or maps what job->listed has. */
void psc_resolver_look_late(struct psc_resolver_queue *queue, const struct psc_resolver_job *job);

/* The daemon: records one, and ends it if the policy says so. */
void psc_resolver_late(struct psc_daemon *daemon, const struct psc_resolver_result *result);

/* ---- resolver_identify.c */

int psc_resolver_identify_open(struct psc_resolver *resolver);

/* Has the content of an unknown file looked at; takes its descriptor. */
void psc_resolver_identify(struct psc_daemon *daemon, struct psc_resolver_result *result);

/* Takes what came of it. */
void psc_resolver_identify_take(struct psc_daemon *daemon);

/* ---- resolver.c */

struct psc_resolver {
	struct psc_resolver_queue queue;
	struct psc_resolver_know *know; /* NULL: switched off, or refused */
	struct psc_error refused;	/* why the indicators could not be read */
	struct psc_resolver_watch watch;
	struct psc_identifier *identifier; /* NULL: content is not looked at */
	int epoll_fd;
	int timer_fd;
	struct psc_debounce run; /* asked for, not begun */
	bool running;
	bool late_running, late_again;
	struct psc_list *additions; /* to be fed */
	size_t pending;
	uint64_t *changed; /* of new files among these */
	size_t changed_count;
	uint64_t fed_ns; /* boot clock of the last activation */
	bool activating; /* the reload under way is the resolver's own */
	struct psc_latency latency;
	struct psc_error failed;		  /* of the last activation; message empty: fine */
	uint64_t outcomes[PSC_FOUND_OUTCOME_MAX]; /* of the last or present run */
	uint64_t *held;				  /* hashes of what was recorded as held back */
	size_t held_count;
	uint64_t run_wall_ns; /* end of the last run, 0 none */
	uint64_t run_took_ns;
	size_t run_examined, run_recognised;
	bool run_truncated;
	uint64_t runs, activations, unverified, stopped, late;
};

/* Asks for a run, after a while without further reasons. */
void psc_resolver_ask(struct psc_daemon *daemon);

/* Sets the timer to what is due next. */
void psc_resolver_rearm(struct psc_resolver *resolver);
