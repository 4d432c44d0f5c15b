/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver_internal.h - what the parts of resolver.h share. Only resolver*.c include it.
 *
 *   resolver.c         the daemon's side: results in, runs and late looks out
 *   resolver_feed.c    the daemon's side: what was found into force
 *   resolver_queue.c   jobs to the thread, results from it
 *   resolver_run.c     the thread: which files to look at, and what they are
 *   resolver_collect.c the thread: files of listed places, packages, units, processes
 *   resolver_files.c   the thread: the set of these
 *   resolver_identify.c what the content of a file shows, by proscribe-identify
 *   resolver_mounts.c  the thread: file systems that come, files that were moved
 *   resolver_watch.c   package databases, mounts and closed files
 *   resolver_late.c    what runs already
 *   resolver_origin.c  content of the distribution's packages
 *   resolver_rpm.c     the thread: packages of rpm's databases, by a process of its own
 *   resolver_places.c  the thread: directories that are a product's
 *   resolver_owner.c   the thread: which package brought a file
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
#include "user/identify/essential.h"
#include "user/scan/bound.h"
#include "user/scan/rpm_packages.h"

/* Each file that waits holds a descriptor or two; a process may have 1024. */
#define PSC_RESOLVER_JOBS_MAX	 128
#define PSC_RESOLVER_UNKNOWN_MAX 128 /* whose content is to be looked at */

#define PSC_RESOLVER_STUCK_NS (60 * PSC_NSEC_PER_SEC)

/* The kernel reads no file of unlisted size: whoever finds such content adds the size. */
struct psc_resolver_sizeless {
	uint8_t digest[PSC_DIGEST_SIZE];
	enum psc_role role;
	char *product; /* "VENDOR/PRODUCT", or as listed */
};

/* What a look is taken with; replaced as one, shared by jobs. */
struct psc_resolver_know {
	int users;	 /* atomic */
	uint64_t serial; /* no two have the same */
	struct psc_indicators *indicators;
	enum psc_confidence least;
	uint64_t limit; /* bytes of the largest file that the kernel digests */
	/* packages and Windows programs that are listed without a size, by digest */
	struct psc_resolver_sizeless *sizeless;
	size_t sizeless_count;
};

struct psc_resolver_know *psc_resolver_know_use(struct psc_resolver_know *know);
void psc_resolver_know_drop(struct psc_resolver_know *know);

enum psc_resolver_job_kind {
	PSC_JOB_RUN,	 /* look at everything */
	PSC_JOB_FILE,	 /* look at fd */
	PSC_JOB_MOVE,	 /* look at what was moved */
	PSC_JOB_CONTENT, /* have the content of path looked at */
	PSC_JOB_MOUNTS,	 /* watch file systems that are new */
	PSC_JOB_LATE,	 /* which processes run what is listed */
};

/* What fanotify says of a move: the directory's handle and the name in it. */
struct psc_resolver_move {
	uint64_t file_system;
	bool is_directory;
	char *name;
	struct file_handle *handle;
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
	struct psc_resolver_move move;
	char *path; /* of PSC_JOB_CONTENT, with the file's identity */
	struct stat st;
	int files_fd, moves_fd; /* of PSC_JOB_MOUNTS: copies of the watch's */
};

enum psc_resolver_result_kind {
	PSC_RESULT_FILE,    /* a recognised file */
	PSC_RESULT_UNKNOWN, /* a new file of a format that counts: its content may tell */
	PSC_RESULT_PARTLY,  /* nothing was recognised, but not all of it could be read */
	PSC_RESULT_PROCESS, /* runs what is listed */
	PSC_RESULT_MOVED,   /* a listed place may have changed */
	PSC_RESULT_MOUNTS,  /* that many file systems are watched */
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
	bool proven;	 /* by content, as surely as is asked for */
	bool identified; /* its content was looked at */
	enum psc_found_outcome outcome;
	uint64_t changed_ns;
	struct stat st;
	char *problem; /* of PSC_RESULT_PARTLY */
	int fd;	       /* of PSC_RESULT_UNKNOWN */
	/* a process */
	pid_t pid;
	uint64_t start_ticks;
	char *unit; /* NULL: of none */
	bool library;
	bool essential; /* the host needs its program */
	/* a run */
	size_t examined; /* files; of PSC_RESULT_MOUNTS: file systems */
	size_t recognised;
	uint64_t took_ns;
	bool truncated; /* there was more than is looked at */
	bool has_places;
	struct psc_found_places places;
};

/* ---- resolver_queue.c: safe from both sides */

struct psc_resolver_queue {
	pthread_mutex_t lock;
	pthread_cond_t wake, end;
	void *(*run)(void *);
	struct psc_resolver_job *first, **last;
	struct psc_resolver_result *results, **results_last;
	size_t jobs;	      /* that wait */
	size_t unknown;	      /* whose content is looked at or waits for it */
	uint64_t progress_ns; /* boot clock: when the thread last got somewhere; 0: it waits */
	bool ending;	      /* the thread is to end as soon as it can */
	bool ended;	      /* it has */
	int event_fd;	      /* readable when there are results */
	pthread_t thread;
	bool started;
};

int psc_resolver_queue_start(struct psc_resolver_queue *queue, void *(*thread)(void *));

/*
 * Has the thread end and waits @ms for that. True: it has, and nothing is left in the queue.
 * False: it hangs, and what it may still use must not be freed.
 */
bool psc_resolver_queue_end(struct psc_resolver_queue *queue, unsigned int ms);
struct psc_resolver_job *psc_resolver_job_new(enum psc_resolver_job_kind kind,
					      struct psc_resolver_know *know);
void psc_resolver_job_free(struct psc_resolver_job *job);

/* Takes the job. */
void psc_resolver_push(struct psc_resolver_queue *queue, struct psc_resolver_job *job);

/* For the thread: waits for the next one, which it frees. NULL: it is to end. */
struct psc_resolver_job *psc_resolver_next(struct psc_resolver_queue *queue);

/* The same in the middle of a run, for what does not wait for its end; NULL: nothing. */
struct psc_resolver_job *psc_resolver_next_urgent(struct psc_resolver_queue *queue);

/* For the thread: it gets on. False: it is to end. */
bool psc_resolver_progress(struct psc_resolver_queue *queue);

/* For how long (ns) the thread has been at one thing; 0: it waits. */
uint64_t psc_resolver_busy(struct psc_resolver_queue *queue, uint64_t now);

/* For the thread: hands a result over, which the daemon frees. */
void psc_resolver_answer(struct psc_resolver_queue *queue, struct psc_resolver_result *result);

/* For the daemon: everything that has come, as a list; NULL nothing. */
struct psc_resolver_result *psc_resolver_take(struct psc_resolver_queue *queue);
void psc_resolver_result_free(struct psc_resolver_result *result);

/*
 * Whether one more file may have its content looked at; it counts then until it is settled.
 * Those of a run leave room for new ones.
 */
bool psc_resolver_unknown_begin(struct psc_resolver_queue *queue, bool fresh);
void psc_resolver_unknown_settled(struct psc_resolver_queue *queue);
size_t psc_resolver_waiting(struct psc_resolver_queue *queue);

/* ---- resolver_run.c */

/* MD5 of what the distribution's packages installed. */
struct psc_resolver_origin {
	uint8_t (*md5)[16]; /* sorted */
	size_t count;
	struct timespec stamp; /* of the directory when it was read */
	uint64_t serial;       /* of what was known then */
};

#define PSC_RESOLVER_FILES_MAX 65536

/* One file, with all that is known of it before it is opened. */
struct psc_resolver_found {
	char *path; /* resolved; or below /proc */
	struct psc_facts facts;
	struct stat st;
	bool linked;   /* only by a link that leads out of the vendor's places */
	bool digested; /* with the identity, size and times of st */
	bool asked;    /* its content was looked at, with these */
	uint8_t digest[PSC_DIGEST_SIZE];
};

struct psc_resolver_files {
	struct psc_resolver_found **file; /* by device and inode */
	size_t count;
	bool full; /* there would have been more */
};

#define PSC_RESOLVER_RPM_FILES 10

/* How a file was when it was read. */
struct psc_resolver_stamp {
	uint64_t inode, size;
	int64_t seconds, nanoseconds;
};

/* What rpm's databases said when they were read last. */
struct psc_resolver_rpm {
	struct psc_rpm_packages packages;
	struct psc_resolver_stamp stamp[PSC_RESOLVER_RPM_FILES];
	uint64_t serial; /* of what was known then; 0: never */
	uint64_t asked;	 /* orphans_serial then */
};

/* A vendor's file of which no package database knew when it was looked at. */
struct psc_resolver_orphan {
	char *path;
	struct stat st;
	struct psc_facts facts; /* what its content shows */
};

/* What the thread keeps from one job to the next. */
struct psc_resolver_thread {
	struct psc_resolver_queue *queue;
	struct psc_resolver_files files; /* of the last run: what did not change is not read */
	uint64_t files_serial;		 /* of what was known then */
	struct psc_resolver_origin origin;
	struct psc_resolver_rpm rpm;
	struct psc_resolver_orphan orphan[PSC_RPM_ASKED_MAX];
	size_t orphan_count;
	uint64_t orphans_serial;	 /* counts those that came */
	struct psc_essential *essential; /* NULL: not known; the interlock still is there */
	bool ready;			 /* both were looked for */
	struct psc_mounts mounts;
	uint64_t mounts_ns;  /* boot clock when they were read */
	bool mounts_watched; /* once */
	int root_fd;
	char moved_on[256]; /* a mount of the file system of the last move, "" none */
};

void *psc_resolver_thread(void *queue);

/* What does not wait for the end of what the thread is at: new files, what runs. */
void psc_resolver_look_at_urgent(struct psc_resolver_thread *t);

/* Looks at an open file of @job. */
void psc_resolver_look_at_file(struct psc_resolver_thread *t, const struct psc_resolver_job *job);

/* Tells the daemon that a file's content is not known. */
void psc_resolver_answer_unverified(struct psc_resolver_thread *t, const char *path,
				    const char *why);

/* A new result, or NULL. */
struct psc_resolver_result *psc_resolver_result_new(enum psc_resolver_result_kind kind);

/*
 * Whether the host needs this file or one with this content. @path: where a process has it from;
 * "... (deleted)" is what was replaced while it ran.
 */
bool psc_resolver_is_essential(const struct psc_resolver_thread *t, const char *path,
			       const struct stat *st, const uint8_t *digest);

/*
 * Whether nobody but root can have given the file its places: a path can also be that of a mount
 * in a name space of somebody's, where the same path leads to another file than here.
 */
bool psc_resolver_is_bound(struct psc_resolver_thread *t, const struct psc_facts *facts,
			   const struct stat *st);

/* ---- resolver_places.c: in the thread */

/* Directories that are to be marked, by path; the caller clears them. -ENOMEM. */
int psc_resolver_places(struct psc_resolver_thread *t, const struct psc_resolver_know *know,
			struct psc_found_places *ret);

/* ---- resolver_rpm.c: in the thread */

/* Reads again if a database or what is to be asked changed. */
void psc_resolver_rpm_refresh(struct psc_resolver_thread *t, const struct psc_resolver_know *know);

/*
 * Has a @program write the stream and parses it. -ECHILD when it fails, -ETIMEDOUT, -ECANCELED when
 * the thread is to end, and as psc_rpm_packages_parse().
 */
int psc_resolver_rpm_read(struct psc_resolver_thread *t, const char *program,
			  const char *const *arguments, struct psc_rpm_packages *ret);

/* ---- resolver_owner.c: in the thread */

/* Adds what the package that brought the file says of it, and matches again then. -ENOMEM. */
int psc_resolver_judge_owner(struct psc_resolver_thread *t, const struct psc_resolver_job *job,
			     const struct stat *st, struct psc_facts *facts,
			     struct psc_matches *matches);

/* Looks once more at files whose package is known by now. */
void psc_resolver_ask_owners(struct psc_resolver_thread *t, const struct psc_resolver_job *run);
void psc_resolver_orphans_clear(struct psc_resolver_thread *t);

/* ---- resolver_mounts.c: in the thread */

/* Reads the table of mounts, unless that was done less than a second ago. */
void psc_resolver_mounts_refresh(struct psc_resolver_thread *t, bool now);

/* Watches what is new; a listed place on it is a reason for a run. */
void psc_resolver_mounts_watch(struct psc_resolver_thread *t, const struct psc_resolver_job *job);

/* Looks at what was moved. */
void psc_resolver_moved(struct psc_resolver_thread *t, struct psc_resolver_job *job);

/* ---- resolver_collect.c */

/* resolver_files.c: where the file with this identity is, or is to be put in. */
size_t psc_resolver_files_slot(const struct psc_resolver_files *files, const struct stat *st,
			       bool *ret_found);

/* Puts it in there, by links alone so far. NULL: no memory. */
struct psc_resolver_found *psc_resolver_files_insert(struct psc_resolver_files *files, size_t at,
						     const char *path, const struct stat *st);

/* Every file that the indicators give reason to look at. -ENOMEM. */
int psc_resolver_collect(struct psc_resolver_thread *t, const struct psc_resolver_know *know,
			 struct psc_resolver_files *files);
void psc_resolver_files_clear(struct psc_resolver_files *files);

/* The file with this identity, or NULL. */
struct psc_resolver_found *psc_resolver_files_find(const struct psc_resolver_files *files,
						   const struct stat *st);

/* ---- resolver_origin.c */

/* Reads again if packages or @know changed. Packages of its vendors are left out. */
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
	unsigned int file_systems;	 /* that are watched */
	uint64_t overflows, overflow_ns; /* boot clock of the last */
	uint64_t seen;			 /* closed files */
	bool paused;
};

/*
 * Whether events are read. While too many files wait for the thread the others stay in the
 * kernel's queue, which costs no descriptors and says when it overflows.
 */
void psc_resolver_watch_intake(struct psc_resolver *resolver, bool open);

/*
 * Watches what the configuration asks for, and nothing else: a single watched directory makes every
 * open and close on its file system some 240 instructions longer.
 */
void psc_resolver_watch_adjust(struct psc_daemon *daemon);
void psc_resolver_watch_close(struct psc_resolver *resolver);
void psc_resolver_watch_packages(struct psc_daemon *daemon);
void psc_resolver_watch_mounts(struct psc_daemon *daemon);
void psc_resolver_watch_files(struct psc_daemon *daemon);
void psc_resolver_watch_moves(struct psc_daemon *daemon);

/* ---- resolver_late.c */

/* The thread: answers with every process that runs or maps what job->listed has. */
void psc_resolver_look_late(struct psc_resolver_thread *t, const struct psc_resolver_job *job);

/* The daemon: records one, and ends it if the policy says so. */
void psc_resolver_late(struct psc_daemon *daemon, const struct psc_resolver_result *result);

/* ---- resolver_identify.c */

int psc_resolver_identify_open(struct psc_resolver *resolver);

/* Has the content of an unknown file looked at; takes its descriptor. */
void psc_resolver_identify(struct psc_daemon *daemon, struct psc_resolver_result *result);

/* Records that a file's content is not known. */
void psc_resolver_unverified(struct psc_daemon *daemon, const char *path, const char *why);

/* Takes what came of it. */
void psc_resolver_identify_take(struct psc_daemon *daemon);

/* ---- resolver_feed.c: what was found into force */

/* Records that anybody can bring about by writing files. */
enum psc_resolver_limited {
	PSC_RESOLVER_LIMIT_UNVERIFIED = 0,
	PSC_RESOLVER_LIMIT_HELD = 1,
	PSC_RESOLVER_LIMITS = 2,
};

struct psc_resolver_limit {
	uint64_t window_ns; /* boot clock: when they were counted anew */
	unsigned int said;  /* since then */
	uint64_t more;	    /* since then, without a record */
};

/* Adds a file that is to be fed. PSC_FOUND_FED, or what keeps it from that. */
enum psc_found_outcome psc_resolver_add(struct psc_daemon *daemon,
					const struct psc_resolver_result *result);

/*
 * Whether a file that is guarded already is to be fed once more: its package turned out to be
 * somebody else's, so it is an engine inside another product.
 */
bool psc_resolver_renames(struct psc_daemon *daemon, const struct psc_resolver_result *result);

/* Puts what was added into force, when it is time. */
void psc_resolver_feed(struct psc_daemon *daemon);

/* Gives it up. */
void psc_resolver_feed_drop(struct psc_resolver *resolver);

/*
 * Whether there may be one more record; those that may not are counted, and a record says how
 * many they were.
 */
bool psc_resolver_may_record(struct psc_daemon *daemon, enum psc_resolver_limited what);

/* Writes how many there were in windows that are over, or in @all. */
void psc_resolver_record_more(struct psc_daemon *daemon, bool all);

/* Recognised and not guarded: recorded once, with the reason. */
void psc_resolver_record_held(struct psc_daemon *daemon, const struct psc_resolver_result *result);

/* ---- resolver.c */

#define PSC_RESOLVER_SAID_MAX	 4096
#define PSC_RESOLVER_REFUSED_MAX 256
#define PSC_RESOLVER_ENDING_MAX	 64
#define PSC_RESOLVER_FEED_GAP	 (1 * PSC_NSEC_PER_SEC) /* between two activations, at least */

/* A process that is being ended: not once more meanwhile. */
struct psc_resolver_ending {
	pid_t pid;
	uint64_t start_ticks;
	uint64_t begun_ns; /* boot clock */
};

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
	uint64_t feed_from_ns;	 /* boot clock: the next activation not before */
	unsigned int feed_tries; /* that the interlock refused, of these additions */
	uint8_t refused_digest[PSC_RESOLVER_REFUSED_MAX][PSC_DIGEST_SIZE]; /* by the interlock */
	size_t refused_count;						   /* ever; the last */
	bool activating; /* the reload under way is the resolver's own */
	bool places;	 /* other ones than those in force are to be put there */
	struct psc_latency latency;
	struct psc_error failed;		  /* of the last activation; message empty: fine */
	uint64_t outcomes[PSC_FOUND_OUTCOME_MAX]; /* of the last or present run */
	uint64_t *said;				  /* hashes of what was recorded once */
	size_t said_count;			  /* ever; the last PSC_RESOLVER_SAID_MAX stay */
	bool full_said;				  /* that there is no room */
	bool stuck_said;
	struct psc_resolver_limit limits[PSC_RESOLVER_LIMITS];
	uint64_t run_wall_ns; /* end of the last run, 0 none */
	uint64_t run_took_ns;
	size_t run_examined, run_recognised;
	bool run_truncated;
	uint64_t runs, activations, unverified, stopped, late;
	uint32_t interval; /* of the table, when it was last looked at */
	uint64_t interval_generation;
	uint64_t serial; /* of what was known last */
	struct psc_resolver_ending ending[PSC_RESOLVER_ENDING_MAX];
	size_t endings; /* ever */
};

/* Asks for a run, after a while without further reasons. */
void psc_resolver_ask(struct psc_daemon *daemon);

/* Sets the timer to what is due next. */
void psc_resolver_rearm(struct psc_resolver *resolver);

/*
 * Whether this was said before since the start; remembers it. The oldest are forgotten. It is for
 * records alone: what is done about something never depends on it.
 */
bool psc_resolver_said(struct psc_resolver *resolver, const char *what, const char *path,
		       uint64_t number);

/* Looks which processes run what was found. */
void psc_resolver_begin_late(struct psc_daemon *daemon);
