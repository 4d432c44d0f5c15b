/* SPDX-License-Identifier: Apache-2.0 */
/*
 * essential_words.h - what small configuration files and the first lines of scripts name: no
 * grammar is checked, since what is not understood here is for its own program to refuse. Pure.
 * Used by essential.h, and by its fuzzer.
 */
#pragma once

#include "user/core/util.h"

enum psc_words {
	PSC_WORDS_MODULES = 0,	   /* pam.conf(5), sudo.conf(5): whatever ends in .so */
	PSC_WORDS_SERVICES = 1,	   /* nsswitch.conf(5): files, dns, sss, ... */
	PSC_WORDS_DIRECTORIES = 2, /* ld.so.conf, ld-musl-*.path: where libraries are */
	PSC_WORDS_INCLUDES = 3,	   /* ld.so.conf: patterns of further files */
	PSC_WORDS_SHELLS = 4,	   /* shells(5) */
	PSC_WORDS_ROOT_SHELLS = 5, /* passwd(5): those of uid 0 */
	PSC_WORDS_MAX = 6,
};

/* Takes one; a negative errno ends the walk. */
typedef int (*psc_words_take)(const char *word, void *data);

/* Hands @take every word of that kind in @text, which is cut to pieces. 0 or @take's errno. */
int psc_words_each(enum psc_words kind, char *text, psc_words_take take, void *data);

#define PSC_SCRIPT_LINE_MAX 256 /* BINPRM_BUF_SIZE of the kernel */

struct psc_script {
	const char *interpreter;
	const char *program; /* for env(1) to find, or NULL */
};

/*
 * Reads the first @size bytes of a file, which are cut to pieces; @data has one byte more.
 * -ENOEXEC when the kernel would find no interpreter. Both strings point into @data.
 */
int psc_script_read(char *data, size_t size, struct psc_script *ret);
