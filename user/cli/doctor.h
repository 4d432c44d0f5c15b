/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - what the parts of `proscribe doctor` share: what was found on the host
 * (doctor_host.c), what to think of it (doctor_checks.c), the live proof (doctor_proof.c)
 * and how it is printed (doctor_render.c). Only for user/cli.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <jansson.h>

#include "user/core/util.h"
#include "user/cli/client.h"

/* ---- rows ----------------------------------------------------------------- */

enum psc_health {
	PSC_HEALTH_OK = 0,
	PSC_HEALTH_WARN = 1, /* the guard works, but less is covered than one may think */
	PSC_HEALTH_FAIL = 2,
	PSC_HEALTH_MAX = 3,
};

/* "ok", "warn", "fail". */
const char *psc_health_to_string(enum psc_health health);

/*
 * Appends {name, result, found, remedy} to the array @rows; @remedy may be NULL. Any bytes
 * may be in the texts: they are made safe here, but for backslashes.
 */
void psc_doctor_row(json_t *rows, const char *name, enum psc_health health, const char *remedy,
		    const char *found, ...) _printf_(5, 6);

/* The worst result among @rows; the numbers of rows by result are added to @counts. */
enum psc_health psc_doctor_worst(const json_t *rows, size_t counts[PSC_HEALTH_MAX]);

/* ---- the host -------------------------------------------------------------- */

/* First line of a file of the kernel. */
struct psc_host_fact {
	int error; /* 0, or the negative errno because of which there is no text */
	char text[2048];
};

/* The guard's directory in the BPF file system. */
struct psc_host_pins {
	int error; /* 0, or negative errno: -ENOENT when there is none */
	unsigned int links;
	char missing[160]; /* names of required pins, "" when all are there */
};

struct psc_host {
	bool root;
	char release[65];
	int btf;	/* 0 or negative errno, likewise the next */
	int securityfs; /* -ENODEV: not mounted */
	int ima;	/* -ENOENT: not in this kernel, or not to be seen without securityfs */
	int bpffs;	/* -ENODEV: not mounted */
	struct psc_host_fact lsm;
	struct psc_host_fact lockdown;
	struct psc_host_fact ftrace;
	struct psc_host_fact memfd_noexec;
	struct psc_host_fact cmdline;
	struct psc_host_fact ima_count;
	struct psc_host_fact ima_first; /* line of the measurement list */
	struct psc_host_pins pins;
	char log[PATH_MAX]; /* file, or the directory when no daemon tells the file */
	int log_error;	    /* 0: can be written by this user */
	uint64_t log_free;  /* bytes */
};

/* Looks at the pins below @directory. */
void psc_host_look_at_pins(const char *directory, struct psc_host_pins *ret);

/* Looks at everything. @status is the daemon's, NULL without one. */
void psc_host_look(const json_t *status, struct psc_host *ret);

/* Appends a row a prerequisite to @checks. @answer is the daemon's to "status". */
void psc_doctor_judge(const struct psc_host *host, const struct psc_answer *answer, json_t *checks);

/* ---- the proof ------------------------------------------------------------- */

/*
 * Lists, tries and unlists files of its own through the running daemon; @status is what
 * the daemon answered. Returns {result, mode, directory, steps}, NULL when memory is
 * short. Everything is put back, also when a signal comes in between: *@ret_signal is its
 * number then, for the caller to raise again, else 0.
 */
json_t *psc_proof_run(const json_t *status, int *ret_signal);

/* ---- printing --------------------------------------------------------------- */

/* Prints @data: {version, kernel, result, counts, checks, proof}. */
void psc_doctor_render(FILE *out, const json_t *data, bool colour);
