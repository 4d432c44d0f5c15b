/* SPDX-License-Identifier: Apache-2.0 */
/*
 * who.h - who did something and where, as /proc and the names of control groups tell it: pure
 * parsers of text that users have a part in. The daemon reads the files (user/daemon/who.c), the
 * records are made of it (event_json.h).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "user/core/util.h"

#define PSC_WHO_PATH_MAX      1024 /* longer paths are left out rather than cut */
#define PSC_WHO_ARGUMENTS_MAX 1024 /* bytes of all arguments */
#define PSC_WHO_ID_MAX	      128

struct psc_who_process {
	bool known;			   /* it was there, and it was this one */
	char executable[PSC_WHO_PATH_MAX]; /* "": not known */
	char arguments
		[PSC_WHO_ARGUMENTS_MAX]; /* each with its NUL, as /proc/PID/cmdline has them */
	size_t arguments_size;
	bool arguments_cut; /* there were more */
};

struct psc_who_container {
	char id[PSC_WHO_ID_MAX]; /* "": in none that is known */
	const char *runtime; /* static: docker, containerd, cri-o, podman, ...; NULL: not known */
	bool named;	     /* the id is the name that people gave it */
	char pod[40];	     /* uid of the Kubernetes pod; "": in none */
};

struct psc_who {
	struct psc_who_process process, parent;
	char cgroup[PSC_WHO_PATH_MAX]; /* "": not known */
	struct psc_who_container container;
};

/*
 * /proc/PID/stat: when the process began, in ticks of the clock since the boot (field 22). The
 * name in it may hold anything. -EBADMSG.
 */
int psc_who_parse_stat(const char *text, size_t size, uint64_t *ret_start);

/* Does a process that began @start_ns after the boot have that time in its stat? */
bool psc_who_same_start(uint64_t start_ticks, uint64_t start_ns, long ticks_per_second);

/*
 * /proc/PID/maps, of which @text is the beginning: does a file of that inode and device (as the
 * kernel keeps it: major << 20 | minor) stand there with the path @path? Says whether a process runs
 * the program that an event names, without touching its file. A path that maps cannot show is no.
 */
bool psc_who_maps_has(const char *text, size_t size, uint64_t inode, uint32_t device,
		      const char *path);

/*
 * The path that counts of /proc/PID/cgroup: the first that is a container's, else that of the
 * unified hierarchy or of systemd's. *@ret_unified: it is the unified hierarchy's. -ENOENT when
 * there is none, or it is too long.
 */
int psc_who_parse_cgroup(const char *text, size_t size, char ret[PSC_WHO_PATH_MAX],
			 bool *ret_unified);

/*
 * What the path of a control group says of its container, by the names that runtimes give, with
 * systemd or without. The outermost container counts: below it, a container names groups itself.
 */
void psc_who_container_of(const char *path, struct psc_who_container *ret);

/*
 * Parts of the record of an event (psc_event_format()): executable and args of a process, members
 * of proscribe (best_effort is true where something was read after the event), container and
 * orchestrator. What is not known is left out. Escaped.
 */
struct psc_json_text;
void psc_who_put_process(struct psc_json_text *t, const struct psc_who_process *process);
void psc_who_put_own(struct psc_json_text *t, const struct psc_who *who);
void psc_who_put_container(struct psc_json_text *t, const struct psc_who_container *container);
