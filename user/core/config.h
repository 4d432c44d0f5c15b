/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the configuration file proscribe.yaml: defaults, parsing, refusal with
 * the place of whatever is not understood. Used by the daemon and the CLI.
 *
 *   mode: observe                    # or enforce
 *   lists: /etc/proscribe/lists.d    # absolute
 *   profiles: [us-commerce-icts-2021-002]
 *   log:
 *     directory: /var/log/proscribe
 *     file_size: 64MiB               # then a new file is begun; a day begins one, too
 *     total_size: 4GiB               # then the oldest files are given up
 *   metrics: /var/lib/prometheus/node-exporter/proscribe.prom   # none, unless it is said
 *   journald: false
 *   seen: true                     # in observe mode, what ran unlisted is recorded once
 *   hash_limit: 256MiB               # bytes, KiB, MiB or GiB; 1 MiB to 4 GiB - 1
 *   unstable_filesystems: [nfs, fuse, loop]   # whose content can change unseen
 *   places: [{path: /opt/example, product: Example}]   # what lies there is listed
 *   actions: {exec: deny, open: record}
 *   unverified:
 *     default: record                # every reason that is not named
 *     direct_io: {exec: deny}        # these operations only
 *     memfd: deny                    # all operations
 *   resolver: {enabled: false, confidence: high, new_files: true, stop: false, places: true}
 *
 * `default` reaches every operation and reason but `uncached` at `open`: that is
 * how kernels that digest only after the open normally answer, so it is allowed
 * until it is named itself.
 */
#pragma once

#include <stdbool.h>

#include "user/core/util.h"
#include "user/core/error.h"
#include "user/core/filesystems.h"
#include "user/core/place.h"
#include "user/core/indicator.h"
#include "bpf/abi.h"

#define PSC_CONFIG_SIZE_MAX   (1U << 20) /* bytes of a configuration file */
#define PSC_CONFIG_HASH_MIN   (1ULL << 20)
#define PSC_CONFIG_HASH_MAX   UINT32_MAX
#define PSC_CONFIG_LOG_MIN    (1ULL << 20) /* bytes of a log file */
#define PSC_CONFIG_LOG_MAX    (1ULL << 50)
#define PSC_CONFIG_REASON_MAX 32 /* row length of psc_table.unverified */

/* What the daemon looks for by itself, and what it does about it. */
struct psc_config_resolver {
	bool enabled;
	uint8_t confidence; /* enum psc_confidence: the least that puts a digest into force */
	bool new_files;	    /* looks at files when their writer closes them */
	bool stop;	    /* ends what runs already and would be refused */
	bool places;	    /* marks the places of what is found */
};

struct psc_config {
	enum psc_mode mode;
	char *lists;		 /* directory of list files, absolute */
	char *log_directory;	 /* absolute */
	uint64_t log_file_size;	 /* bytes */
	uint64_t log_total_size; /* bytes, at least two files */
	char *metrics;		 /* absolute path of the file; NULL: none is written */
	bool journald;		 /* records go to the journal, too */
	bool seen;		 /* in observe mode, unlisted code that runs is recorded */
	char **profiles;	 /* ids of the active ones, NULL-terminated */
	uint64_t hash_limit;	 /* bytes */
	struct psc_filesystems unstable;
	struct psc_place *places; /* the site's own */
	size_t place_count;
	struct psc_config_resolver resolver;
	uint8_t action[PSC_OP_MAX]; /* enum psc_action for listed content */
	uint8_t unverified[PSC_OP_MAX][PSC_CONFIG_REASON_MAX]; /* by enum psc_unverified */
};

/* The defaults; -ENOMEM. */
int psc_config_new(struct psc_config **ret);
struct psc_config *psc_config_free(struct psc_config *config); /* NULL is fine; returns NULL */
void psc_config_freep(struct psc_config **config);

/*
 * Defaults with what @data says over them. @path names the text in errors. Returns
 * -EINVAL with the position in @reterr for anything that is not understood, -E2BIG
 * above PSC_CONFIG_SIZE_MAX, -ENOMEM. An empty text is the defaults.
 */
int psc_config_parse(const char *data, size_t size, const char *path, struct psc_config **ret,
		     struct psc_error *reterr);

/* The same from a file, on the terms of psc_load_trusted(). A missing file is -ENOENT. */
int psc_config_load(const char *path, struct psc_config **ret, struct psc_error *reterr);

/* "4096", "256MiB", ...: bytes with an optional suffix KiB, MiB, GiB. -EINVAL, -ERANGE. */
int psc_size_from_string(const char *text, uint64_t *ret);
