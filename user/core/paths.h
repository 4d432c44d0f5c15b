/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paths.h - the fixed places on a host. Anybody in user/ may include it; a place
 * that can be configured is listed here with its default.
 */
#pragma once

#define PSC_DIR_CONFIG "/etc/proscribe"
#define PSC_DIR_RUN    "/run/proscribe"
#define PSC_DIR_STATE  "/var/lib/proscribe"

/* Whoever reads the audit log needs the public key in there; what is secret is 0600. */
#define PSC_DIR_STATE_MODE 0711

#define PSC_PATH_CONFIG	  PSC_DIR_CONFIG "/proscribe.yaml"
#define PSC_PATH_LISTS	  PSC_DIR_CONFIG "/lists.d"
#define PSC_PATH_PROFILES PSC_DIR_CONFIG "/profiles.d"
#define PSC_PATH_CATALOG  PSC_DIR_CONFIG "/catalog.d"
#define PSC_PATH_OBJECTS  PSC_DIR_CONFIG "/objects.d"
#define PSC_PATH_TRUST	  PSC_DIR_CONFIG "/trust.d"

/* what is installed with the program */
#define PSC_DIR_SHARE		"/usr/share/proscribe"
#define PSC_PATH_SHARE_PROFILES PSC_DIR_SHARE "/profiles"
#define PSC_PATH_SHARE_CATALOG	PSC_DIR_SHARE "/catalog"

/* the process that parses files for the daemon */
#define PSC_PATH_WORKER "/usr/libexec/proscribe/proscribe-identify"

#define PSC_PATH_LOG		"/var/log/proscribe"
#define PSC_PATH_CONTROL_SOCKET PSC_DIR_RUN "/control.sock"
#define PSC_PATH_STATUS_JSON	PSC_DIR_RUN "/status.json"
#define PSC_PATH_FOLD		PSC_DIR_RUN "/repeats"	      /* counts that no record tells yet */
#define PSC_PATH_JOURNAL	"/run/systemd/journal/socket" /* of systemd-journald */
#define PSC_PATH_STATE		PSC_DIR_STATE "/state"
#define PSC_PATH_ACTIVE		PSC_DIR_STATE "/active.bin"
#define PSC_PATH_KEYS		PSC_DIR_STATE "/keys"
#define PSC_PATH_LOG_PUBLIC	PSC_PATH_KEYS "/log.pub"
#define PSC_PATH_FOUND		PSC_DIR_STATE "/found.csv"
#define PSC_PATH_SIGHTINGS	PSC_DIR_STATE "/first-seen.json"
#define PSC_PATH_ABSENCE	PSC_DIR_RUN "/guard" /* whether it is on, and since when not */
#define PSC_PATH_BPFFS		"/sys/fs/bpf/proscribe"
#define PSC_PATH_BPFFS_NEW	PSC_PATH_BPFFS "-new" /* while it is made; a crash leaves it */
/* of a guard that was taken off without a daemon: what the next daemon has to read */
#define PSC_PATH_BPFFS_LEFT PSC_PATH_BPFFS "-left"
#define PSC_PATH_FOLD_LEFT  PSC_PATH_FOLD "-left"
#define PSC_PATH_UNREAD	    PSC_DIR_STATE "/unread" /* how much of it there was */

/* Names inside the lists directory that the command line writes. */
#define PSC_LIST_LOCAL	  "local.csv"
#define PSC_LIST_IMPORTED "imported"
#define PSC_LIST_FOUND	  "found" /* PSC_PATH_FOUND, which the daemon writes */

/* Overrides PSC_PATH_CONTROL_SOCKET in the command line, for tests. */
#define PSC_ENV_CONTROL_SOCKET "PSC_CONTROL_SOCKET"
