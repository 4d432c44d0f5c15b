/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * abi.h - everything that the kernel half and the user half of proscribe share:
 * map values, event records, enumerations and limits. The only header that both
 * halves include (decide.h builds on it). A change of any layout or meaning
 * below is a change of PSC_ABI_VERSION.
 *
 * Rules: fixed-width types only; no implicit padding; padding is named and zero;
 * enumerations have explicit values and end in _MAX; every structure has its
 * size asserted at the end of the file.
 */
#pragma once

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define PSC_ABI_VERSION 4

/* What a process attempts. */
enum psc_op {
	PSC_OP_EXEC = 0,    /* ELF, #! script and its interpreter, AT_EXECVE_CHECK */
	PSC_OP_LOAD = 1,    /* file mapped PROT_EXEC, or mprotect to PROT_EXEC */
	PSC_OP_MODULE = 2,  /* kernel module */
	PSC_OP_OPEN = 3,    /* open of listed content: package, Windows program, plugin */
	PSC_OP_WRITE = 4,   /* write into a marked directory */
	PSC_OP_CONNECT = 5, /* network access of a listed product's process */
	PSC_OP_SPAWN = 6,   /* execution of a file that a listed process wrote */
	PSC_OP_INSTALL = 7, /* decided in userspace by the package manager's hook */
	PSC_OP_MAX = 8,
};

/* What the compiled policy says. */
enum psc_action {
	PSC_ACTION_ALLOW = 0,
	PSC_ACTION_RECORD = 1,
	PSC_ACTION_DENY = 2,
	PSC_ACTION_MAX = 3,
};

/* What became of the attempt: the action seen through the mode. */
enum psc_verdict {
	PSC_VERDICT_ALLOW = 0,
	PSC_VERDICT_RECORD = 1,
	PSC_VERDICT_DENY = 2,	    /* -EPERM before the act */
	PSC_VERDICT_WOULD_DENY = 3, /* observe mode: went ahead, enforce would refuse */
	PSC_VERDICT_MAX = 4,
};

enum psc_mode {
	PSC_MODE_OBSERVE = 0,
	PSC_MODE_ENFORCE = 1,
	PSC_MODE_MAX = 2,
};

/*
 * Why a file's identity could not be established. Each has an action of its own
 * in psc_table.unverified; none of them ever means "not listed".
 */
enum psc_unverified {
	PSC_UNVERIFIED_NONE = 0,
	PSC_UNVERIFIED_ALGORITHM = 1,	/* the kernel's digest is not SHA-256 */
	PSC_UNVERIFIED_ERROR = 2,	/* the digest helper failed */
	PSC_UNVERIFIED_INTERRUPTED = 3, /* a fatal signal ended the digest */
	PSC_UNVERIFIED_DIRECT_IO = 4,	/* O_DIRECT descriptor: cannot be digested */
	PSC_UNVERIFIED_TOO_LARGE = 5,	/* larger than psc_table.hash_limit */
	PSC_UNVERIFIED_STORAGE = 6,	/* inode storage could not be created */
	PSC_UNVERIFIED_WRITER = 7,	/* open for write, or mapped shared, by somebody */
	PSC_UNVERIFIED_MEMFD = 8,	/* memory file without seals against change */
	PSC_UNVERIFIED_FILESYSTEM = 9,	/* content is another machine's or process's to change */
	PSC_UNVERIFIED_UNCACHED = 10,	/* hook cannot sleep and nothing valid is cached */
	PSC_UNVERIFIED_BUSY = 11,	/* too many bytes are being digested at once */
	PSC_UNVERIFIED_SWAP = 12,	/* the generation moved under every retry */
	PSC_UNVERIFIED_NO_FILE = 13,	/* content without a file (init_module) */
	PSC_UNVERIFIED_OVERLAY = 14,	/* the real inode behind an overlay is not known */
	PSC_UNVERIFIED_IMA_POLICY = 15, /* an IMA policy may answer with an old digest */
	PSC_UNVERIFIED_TABLE = 16,	/* subject outside the compiled table */
	PSC_UNVERIFIED_DEEP = 17,	/* too many directories above it to tell its place */
	PSC_UNVERIFIED_MAX = 18,
};

/* How the identity in an event was found. */
enum psc_source {
	PSC_SOURCE_NONE = 0,
	PSC_SOURCE_DIGEST = 1, /* content digested for this attempt */
	PSC_SOURCE_CACHE = 2,  /* digested earlier, unchanged since */
	PSC_SOURCE_MARK = 3,   /* lasting mark on place or file */
	PSC_SOURCE_LINEAGE = 4,
	PSC_SOURCE_MAX = 5,
};

/*
 * Subjects are "who": {product, role, entity, signer}. Numbers are given by the
 * compiler; what an attempt by a subject leads to is its class's row.
 */
#define PSC_SUBJECT_NONE   0
#define PSC_SUBJECT_CANARY 1 /* the daemon's own proof files: refused in every mode */
#define PSC_SUBJECT_FIRST  2
#define PSC_SUBJECTS_MAX   4096

#define PSC_CLASS_NONE	 0
#define PSC_CLASS_CANARY 1
#define PSC_CLASS_FIRST	 2
#define PSC_CLASSES_MAX	 256

#define PSC_INTERVALS_MAX 64

/*
 * Listed places: directories, or files. The daemon gives each a number that stays for as long
 * as the place is listed, and marks its inode with it; the table says who the number stands for.
 */
#define PSC_PLACES_MAX 256
/* Below it numbers are the site's own places, from there on those that the daemon found. */
#define PSC_PLACES_SITE (PSC_PLACES_MAX / 2)
#define PSC_MARKS_MAX	4096

#define PSC_DIGEST_SIZE 32
/* HASH_ALGO_SHA256 of the kernel's include/uapi/linux/hash_info.h */
#define PSC_HASH_ALGO_SHA256 4

/* Longest run of digests that share an index prefix; the program scans no further. */
#define PSC_BUCKET_MAX	   16
#define PSC_INDEX_BITS_MIN 4
#define PSC_INDEX_BITS_MAX 20
/* above it, buckets of 16 begin to overflow by chance */
#define PSC_DIGESTS_MAX 3000000

/*
 * Size filter: one bit for a hash of a listed size. 2^22 bits stay sparse enough
 * for a million listed sizes, so that one fixed bitmap serves every list.
 */
#define PSC_FILTER_BITS	 22
#define PSC_FILTER_WORDS (1U << (PSC_FILTER_BITS - 6))

enum psc_filter_kind {
	PSC_FILTER_EXEC = 0, /* sizes of formats that the kernel can execute or map */
	PSC_FILTER_OPEN = 1, /* sizes of formats that other programs read */
	PSC_FILTER_MAX = 2,
};

/* psc_table.flags */
#define PSC_TABLE_HASH_ALL	(1U << 0) /* an executable digest without size is listed */
#define PSC_TABLE_IMA_POLICY	(1U << 1) /* the kernel may answer with an older digest */
#define PSC_TABLE_LOOP_UNSTABLE (1U << 2) /* file systems on loop devices are unstable, too */
#define PSC_TABLE_PLACES	(1U << 3) /* some place_subject is not PSC_SUBJECT_NONE */
#define PSC_TABLE_SEEN		(1U << 4) /* observe mode: unlisted code is told of (seen.bpf.c) */

/* Larger files leave a quarter of what may be digested at once to those up to this size. */
#define PSC_SMALL_FILE (16U << 20)

/* File systems whose content can change without the inode showing it, by magic. */
#define PSC_UNSTABLE_MAX 16

#define PSC_SLOTS 2 /* the generation's lowest bit selects the slot */

/* A listed digest; sorted by digest. */
struct psc_digest_record {
	__u8 digest[PSC_DIGEST_SIZE];
	__u32 subject;
	__u32 size; /* bytes, 0 when the list gives none */
};

/* Where the digests with one prefix stand in the record array. */
struct psc_digest_bucket {
	__u32 start;
	__u32 count;
};

/* Everything that one generation decides with, but for the digests. */
struct psc_table {
	__u64 generation;
	__u64 hash_limit; /* bytes; larger files are PSC_UNVERIFIED_TOO_LARGE */
	__u64 busy_limit; /* bytes digested at once, see psc_busy_limit(); beyond it _BUSY */
	__u32 mode;	  /* enum psc_mode */
	__u32 flags;
	__u32 index_bits;
	__u32 digest_count;
	__u32 subject_count;
	__u32 class_count;
	__u32 interval_count; /* at least 1; interval_start[0] is 0 */
	__u32 _pad0;
	__u64 unstable_filter;			 /* a bit for each psc_unstable_bit() below */
	__u32 unstable_magic[PSC_UNSTABLE_MAX];	 /* of superblocks; 0: none */
	__u8 policy[PSC_DIGEST_SIZE];		 /* of the compiled policy; not read by programs */
	__u64 interval_start[PSC_INTERVALS_MAX]; /* ns since the epoch, ascending */
	__u8 unverified[PSC_OP_MAX][32];	 /* enum psc_action by enum psc_unverified */
	__u16 class_of[PSC_SUBJECTS_MAX];
	__u16 place_subject[PSC_PLACES_MAX]; /* PSC_SUBJECT_NONE: nobody's */
	__u8 action[PSC_INTERVALS_MAX][PSC_CLASSES_MAX][PSC_OP_MAX];
};

/* An inode that is marked, as the kernel has it: what stat(2) says may differ. */
struct psc_mark_key {
	__u32 device;
	__u32 generation;
	__u64 inode;
};

struct psc_mark {
	__u32 place;
};

/* psc_control.mark_request */
#define PSC_MARK_REMOVE (1U << 31)

/* now = max(boot clock + boot_offset, TAI clock + tai_offset, floor), all in ns. */
struct psc_clock {
	__s64 boot_offset;
	__s64 tai_offset;
	__u64 floor;
};

/* USER_HZ of /proc/PID/stat, the finest start time that the daemon can learn of itself. */
#define PSC_TICK_NS 10000000

/* Written by the daemon, read by every program. */
struct psc_control {
	__u64 generation; /* selects the slot; written last */
	struct psc_clock clock;
	__u64 daemon_start_ticks; /* of PSC_TICK_NS on the boot clock: tells a reused pid apart */
	__u32 daemon_tgid;
	__u32 abi_version;
	__u64 attached_ns;	/* boot clock at which the first guard was attached */
	__u64 features;		/* enum psc_feature bits the loaded programs use */
	__u64 kernel_features;	/* and those that the kernel has */
	__u64 dropped_recorded; /* of psc_counters.dropped: what the audit log tells already */
	/* the daemon's wish for the file that it calls fcntl(F_SETOWN) on: a place's number + 1,
	   perhaps with PSC_MARK_REMOVE; 0 when there is none, or it was done */
	__u32 mark_request;
	__s32 mark_result; /* 0, or a negative errno */
	__u8 object_digest[PSC_DIGEST_SIZE];
};

/* The one .bss of the guard: mapped by the daemon, pinned as "shared". */
struct psc_shared {
	struct psc_control control;
	__u8 _pad0[2048 - sizeof(struct psc_control)];
	/* apart from what every hook reads */
	__u64 digesting_bytes;
	/* of file systems where another machine or process decides how long a read takes */
	__u64 digesting_bytes_unstable;
	__u8 _pad1[2048 - 2 * sizeof(__u64)];
	struct psc_table table[PSC_SLOTS];
	__u64 filter[PSC_SLOTS][PSC_FILTER_MAX][PSC_FILTER_WORDS];
};

/* Kernel capabilities: probed, never derived from a version. */
enum psc_feature {
	PSC_FEATURE_EXECVE_CHECK = 0,	/* linux_binprm.is_check: AT_EXECVE_CHECK */
	PSC_FEATURE_FILE_POST_OPEN = 1, /* opens can be digested */
	PSC_FEATURE_SETATTR_IDMAP = 2,	/* inode_setattr has an idmap argument */
	PSC_FEATURE_REAL_INODE = 3,	/* bpf_real_data_inode(): the file below an overlay */
	PSC_FEATURE_MAX = 4,
};

/* What probe.bpf.c found out. */
struct psc_probe_result {
	__u32 called;
	__s32 algorithm; /* of bpf_ima_file_hash, or its errno */
	__u32 storage;	 /* inode storage was created and found again */
	__u32 execve_check;
	__u64 tai_ns;
	__u8 digest[PSC_DIGEST_SIZE];
};

/* ---- identity cache ---------------------------------------------------- */

/* By which a file's content is known to be the same as before. */
struct psc_stamp {
	__u64 inode;
	__u64 size;
	__u64 ctime_sec;
	__u32 ctime_nsec;
	__u32 device;
};

/*
 * Inode storage: which content the inode had, never what to do about it. Valid when
 * cached_epoch is epoch + 1 and the stamp is the file's. `epoch` moves with every open
 * for write, truncate and setattr of the size; a fresh entry is all zero.
 */
struct psc_identity {
	__u32 epoch;
	__u32 cached_epoch; /* 0: nothing cached */
	__u32 lock;	    /* taken by compare-and-swap; whoever loses does not cache */
	__u32 version;	    /* of what is cached: moves with each change of it */
	/* version << 32 | generation under which that content is not listed */
	__u64 clean;
	__u32 suspect; /* resized without a writer: what IMA remembers may be old */
	__u32 shared;  /* was mapped shared and writable: never cached again */
	/* on overlayfs: what was opened before may still map the lower file */
	__u32 copied_up;
	__u32 _pad0;
	/* of seen.bpf.c: what was told of this content in observe mode; all zero: nothing */
	__u64 seen_content; /* a hash of stamp and epoch; PSC_SEEN_PATH: its path was told */
	__u64 seen_users;   /* a bit for each psc_user_bit() */
	__u32 seen_runs;    /* executions, or loads as a module */
	__u32 seen_loads;   /* while there were no executions */
	struct psc_stamp stamp;
	__u8 digest[PSC_DIGEST_SIZE];
};

/* psc_identity.seen_content: the lowest bit */
#define PSC_SEEN_PATH 1ULL

/* ---- counters ---------------------------------------------------------- */

/* One per CPU; written with atomic additions only. */
struct psc_counters {
	__u64 verdict[PSC_OP_MAX][PSC_VERDICT_MAX];
	__u64 unverified[PSC_OP_MAX][32]; /* by enum psc_unverified */
	__u64 sequence;			  /* next event's number on this CPU */
	__u64 emitted;
	__u64 dropped; /* ring was full; the verdict stood */
	__u64 digested_files;
	__u64 digested_bytes;
	__u64 cache_hits;
	__u64 swap_retries;
	__u64 marks_full;   /* marks that had no room */
	__u64 seen_skipped; /* attempts not told of as seen, to leave the ring to decisions */
};

/* ---- events ------------------------------------------------------------ */

enum psc_event_type {
	PSC_EVENT_NONE = 0,
	PSC_EVENT_DECISION = 1,
	PSC_EVENT_WANTED = 2, /* opened with a listed size, not digested yet */
	PSC_EVENT_CLOCK = 3,  /* the clock is set, to wall_ns */
	PSC_EVENT_SEEN = 4,   /* observe mode: code ran that is not listed */
	PSC_EVENT_MAX = 5,
};

/* psc_event.flags */
#define PSC_EVENT_PATH_TRUNCATED (1U << 0)
#define PSC_EVENT_PATH_MISSING	 (1U << 1)
#define PSC_EVENT_DIGEST_VALID	 (1U << 2)
#define PSC_EVENT_SCRIPT_INTERP	 (1U << 3) /* file is the interpreter of a #! script */
#define PSC_EVENT_EXECVE_CHECK	 (1U << 4)
#define PSC_EVENT_MPROTECT	 (1U << 5)
#define PSC_EVENT_CANARY	 (1U << 6)

#define PSC_COMM_SIZE 16
#define PSC_PATH_SIZE 1024

struct psc_event_process {
	__u64 start_ns; /* boot clock */
	__u32 tgid;
	__u32 tid;
	__u32 uid;
	__u32 gid;
	__u32 auid; /* (__u32)-1: not set */
	__u32 session;
	char comm[PSC_COMM_SIZE];
	/* of the program that it runs, as the kernel has it; 0: none */
	__u64 exe_inode;
	__u32 exe_device;
	__u32 exe_generation;
};

struct psc_event_head {
	__u16 type; /* enum psc_event_type */
	__u16 flags;
	__u32 length;	/* of the whole record in bytes */
	__u64 sequence; /* counts per CPU, also what the ring had no room for */
	__u64 boot_ns;
	__u32 cpu;
	__u32 attempts; /* PSC_EVENT_SEEN: of `op` on this content so far; else 0 */
};

struct psc_event {
	struct psc_event_head head;
	__u64 generation;
	__u64 wall_ns; /* the clock that selected the interval */
	__u16 interval;
	__u16 class;
	__u32 subject;
	__u8 op;
	__u8 action;
	__u8 verdict;
	__u8 mode;
	__u8 unverified;
	__u8 source;
	__u16 path_length; /* without the final NUL */
	__u8 digest[PSC_DIGEST_SIZE];
	__u64 size;
	__u64 inode;
	__u32 device; /* as the kernel keeps it: major << 20 | minor */
	__u32 inode_generation;
	__u64 filesystem_magic;
	/* on overlayfs: the inode that holds the content; 0 where that is not known */
	__u64 real_inode;
	__u32 real_device;
	__u32 place; /* number + 1 of the place that decided, else 0 */
	__u64 cgroup_id;
	__u32 mount_namespace;
	__u32 pid_namespace;
	struct psc_event_process process;
	struct psc_event_process parent;
	char path[PSC_PATH_SIZE];
};

_Static_assert(sizeof(struct psc_digest_record) == 40, "digest record");
_Static_assert(sizeof(struct psc_digest_bucket) == 8, "digest bucket");
_Static_assert(sizeof(struct psc_clock) == 24, "clock");
_Static_assert(sizeof(struct psc_control) == 120, "control");
_Static_assert(sizeof(struct psc_mark_key) == 16, "mark key");
_Static_assert(sizeof(struct psc_mark) == 4, "mark");
_Static_assert(sizeof(struct psc_table) == 96 + 4 * PSC_UNSTABLE_MAX + 8 * PSC_INTERVALS_MAX +
						   32 * PSC_OP_MAX + 2 * PSC_SUBJECTS_MAX +
						   2 * PSC_PLACES_MAX +
						   PSC_INTERVALS_MAX * PSC_CLASSES_MAX * PSC_OP_MAX,
	       "table");
_Static_assert(sizeof(struct psc_shared) ==
		       4096 + PSC_SLOTS * sizeof(struct psc_table) +
			       PSC_SLOTS * PSC_FILTER_MAX * 8 * PSC_FILTER_WORDS,
	       "shared");
_Static_assert(PSC_UNVERIFIED_MAX <= 32, "unverified reasons fit their rows");
_Static_assert(sizeof(struct psc_stamp) == 32, "stamp");
_Static_assert(sizeof(struct psc_identity) == 128, "identity");
_Static_assert(sizeof(struct psc_counters) ==
		       8 * (PSC_OP_MAX * PSC_VERDICT_MAX + PSC_OP_MAX * 32 + 9),
	       "counters");
_Static_assert(sizeof(struct psc_event_process) == 64, "event process");
_Static_assert(sizeof(struct psc_event_head) == 32, "event head");
_Static_assert(sizeof(struct psc_event) == 288 + PSC_PATH_SIZE, "event");
