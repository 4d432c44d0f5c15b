/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - what enforce mode would have refused, by what the audit log says of observe mode: for
 * `policy replay` and `mode enforce`. Records are gathered to files (replay_gather.c), the files
 * are looked at as they are now (replay_file.c), judged by the host's policy (replay_judge.c) and
 * shown (replay_render.c). Only for user/cli.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "user/cli/cli.h"
#include "user/cli/policy_verbs.h"
#include "user/scan/mounts.h"

#define PSC_REPLAY_FILES_MAX 100000 /* different files; records of more are counted */
#define PSC_REPLAY_USERS_MAX 64	    /* of one file; the kernel tells no more of one content */
#define PSC_REPLAY_OPS	     (PSC_OP_MODULE + 1)

/* Attempts of one operation. */
struct psc_replay_sum {
	uint64_t count; /* at least */
	uint64_t last;	/* the count that the kernel told last */
	uint64_t boot_ns;
	uint64_t size; /* of the file then */
};

/* Attempts on one file: seen, or decided by content that was listed, by place or by a doubt. */
struct psc_replay_file {
	char *path;	 /* as in the records, escaped; "": not known */
	char *device;	 /* "MAJOR:MINOR", or "" */
	char *layer;	 /* directory of the overlay's layer, or NULL */
	char *container; /* its id, or NULL */
	uint64_t inode;
	uint64_t real_inode; /* 0: not known */
	uint64_t size;
	uint64_t magic;	  /* of the file system */
	bool whole_path;  /* else there is a name at most */
	bool decided;	  /* by a record that would refuse it, or records it */
	bool has_digest;  /* of what ran; else the file is looked at */
	unsigned int why; /* enum psc_unverified: decided by this doubt */
	uint8_t digest[PSC_DIGEST_SIZE];
	struct psc_replay_sum sum[PSC_REPLAY_OPS];
	uint32_t users[PSC_REPLAY_USERS_MAX];
	size_t user_count;
	bool at_least;	      /* there may have been more attempts */
	uint64_t first, last; /* ns */
	uint64_t executor;    /* of the last execution that was decided: a hash of its process */
	struct psc_replay_file *next; /* in the same bucket */
};

/* Unless it is there. False: there is no room for it. */
bool psc_replay_add_user(uint32_t *users, size_t *count, size_t most, uint32_t user);

struct psc_replay {
	struct psc_replay_file **file; /* in the order of the log */
	size_t count, room;
	struct psc_replay_file **bucket;
	uint64_t records;  /* seen or decided */
	uint64_t no_room;  /* records of files that the table has no room for */
	uint64_t left_out; /* attempts that have no record, by the log */
	uint64_t lost;	   /* events that the kernel's ring had no room for */
};

int psc_replay_new(struct psc_replay **ret); /* -ENOMEM */
struct psc_replay *psc_replay_free(struct psc_replay *replay);
void psc_replay_freep(struct psc_replay **replay);

/* Takes one record of the audit log; those of other types are nothing. -ENOMEM. */
int psc_replay_add(struct psc_replay *replay, const json_t *record);

/* How a file is found now. */
enum psc_replay_state {
	PSC_REPLAY_SAME = 0,	 /* by device, inode and size */
	PSC_REPLAY_REPLACED = 1, /* there is another one under its name, which is judged */
	PSC_REPLAY_GONE = 2,
	PSC_REPLAY_NAMELESS = 3,  /* its path is not known */
	PSC_REPLAY_ELSEWHERE = 4, /* in a container whose files are not reached from here */
	PSC_REPLAY_NETWORK = 5,	  /* on another machine, which is not asked */
	PSC_REPLAY_UNREAD = 6,
	PSC_REPLAY_STATE_MAX = 7,
};

/* "same", "replaced", "gone", ... */
const char *psc_replay_state_to_string(enum psc_replay_state state);

/* Where files are looked for. */
struct psc_replay_ground {
	struct psc_mounts mounts;
	bool network; /* asks other machines, too */
};

/*
 * Opens the file of @file for reading: never a FIFO or device, through no link, without changing
 * its time of access where that is allowed. SAME and REPLACED give *@ret_fd, the caller closes it,
 * and its size; UNREAD gives *@ret_error, a negative errno.
 */
enum psc_replay_state psc_replay_open(const struct psc_replay_ground *ground,
				      const struct psc_replay_file *file, int *ret_fd,
				      uint64_t *ret_size, int *ret_error);

/*
 * Judges all files by @host and its compiled policy @image, which is not armed, at @at (ns): the
 * object that psc_replay_render() prints, with "refused" counted. NULL: memory is short.
 */
json_t *psc_replay_judge(const struct psc_replay *replay, const struct psc_replay_ground *ground,
			 const struct psc_policy_host *host, const struct psc_image *image,
			 uint64_t at);

/* The whole: log, policy, files, by the options of @cli; PSC_EXIT_OK and *@ret, or said why not. */
int psc_replay_run(struct psc_cli *cli, json_t **ret);

/* How many attempts would have been refused. */
json_int_t psc_replay_refused(const json_t *data);

void psc_replay_render(FILE *out, const json_t *data, bool colour);
