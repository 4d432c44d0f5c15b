/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standin.h - stand-in packages and archives for the unit tests, made by the tools that make
 * real ones (dpkg-deb, rpmbuild, tar, ...) in a directory of their own. Included by tests only.
 */
#pragma once

#include <fcntl.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "user/core/util.h"
#include "user/core/facts.h"

static char standin_directory[64];

/* Runs a shell script in the directory of the stand-ins; it must succeed. */
static inline void standin_shell(const char *script)
{
	char *command;
	int status;

	assert_true(asprintf(&command, "cd %s && { %s\n} >log 2>&1 || { cat log >&2; false; }",
			     standin_directory, script) > 0);
	status = system(command);
	free(command);
	assert_int_equal(status, 0);
}

static inline int standin_setup(void **state)
{
	snprintf(standin_directory, sizeof(standin_directory), "/tmp/psc-standin-XXXXXX");
	return mkdtemp(standin_directory) ? 0 : -1;
}

static inline int standin_teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", standin_directory);
	return system(command);
}

static inline int standin_open(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", standin_directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static inline int standin_count(const struct psc_facts *facts, enum psc_fact_kind kind,
				const char *value)
{
	int count = 0;

	for (size_t i = 0; i < facts->count; i++)
		count += facts->fact[i].kind == kind &&
			 (!value || strcmp(facts->fact[i].value, value) == 0);
	return count;
}

/* What a package of the vendor is laid out like, with a file that has known content. */
#define STANDIN_TREE                                                                               \
	"mkdir -p tree/opt/kaspersky/kesl/bin tree/usr/lib/systemd/system;"                        \
	"printf standin >tree/opt/kaspersky/kesl/bin/kesl;"                                        \
	"chmod 755 tree/opt/kaspersky/kesl/bin/kesl;"                                              \
	"ln -sf /opt/kaspersky/kesl/bin/kesl tree/opt/kaspersky/kesl/link;"                        \
	"printf '[Unit]\\n' >tree/usr/lib/systemd/system/kesl.service;"

/* sha256 of "standin" */
#define STANDIN_SHA256 "d7b180dc276f0d2d270b0586cce6877a32ecd82e02f0059cddd1d6e87471020a"
