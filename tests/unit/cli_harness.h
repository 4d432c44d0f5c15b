/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_harness.h - what the tests of the command line share: a directory of their own, a daemon
 * that only pretends, a verb that is run in this process, what it printed. For
 * tests/unit/test_cli*.c alone.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "user/cli/cli.h"
#include "user/core/frame.h"
#include "user/core/json.h"
#include "user/core/paths.h"

/* Members that one test program adds to its fixture. */
#ifndef FIXTURE_OWN
#define FIXTURE_OWN
#endif

struct fixture {
	char directory[64];
	/* the pretended daemon */
	int listener;
	pthread_t thread;
	bool running;
	const char *status_key; /* status is answered with this directory: data.KEY.directory */
	const char *status_directory;
	const char *status_data;  /* JSON of all data, instead of these two */
	const char *reload_reply; /* JSON */
	int reloads;
	/* of the last run */
	char *out, *err;
	char *file; /* of the last get_file() */
	FIXTURE_OWN
};

/* ---- the pretended daemon --------------------------------------------------- */

static inline void serve_one(struct fixture *f, int fd)
{
	_cleanup_json_ json_t *request = NULL, *reply = NULL;
	const char *verb;

	if (psc_frame_receive(fd, PSC_FRAME_REQUEST_MAX, 5000, &request) < 0)
		return;
	verb = json_string_value(json_object_get(request, "verb"));
	if (strcmp(verb, "status") == 0 && f->status_data)
		reply = json_pack("{s:b,s:o}", "ok", true, "data",
				  json_loads(f->status_data, 0, NULL));
	else if (strcmp(verb, "status") == 0)
		reply = json_pack("{s:b,s:{s:s,s:{s:s}}}", "ok", true, "data", "guard", "on",
				  f->status_key, "directory", f->status_directory);
	else if (strcmp(verb, "reload") == 0 && ++f->reloads)
		reply = json_loads(f->reload_reply, 0, NULL);
	if (reply)
		psc_frame_send(fd, reply);
}

static inline void *serve(void *arg)
{
	struct fixture *f = arg;

	for (;;) {
		_cleanup_close_ int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return NULL;
		serve_one(f, fd);
	}
}

static inline void daemon_start(struct fixture *f, const char *reload_reply)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv(PSC_ENV_CONTROL_SOCKET));
	f->reload_reply = reload_reply;
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(f->listener >= 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
	f->running = true;
}

/* ---- fixture ------------------------------------------------------------------ */

/* A directory, and the control socket in it where nobody listens yet; NULL: failed. */
static inline struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[96];

	if (!f)
		return NULL;
	snprintf(f->directory, sizeof(f->directory), "/tmp/psc-test-XXXXXX");
	if (!mkdtemp(f->directory)) {
		free(f);
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/control.sock", f->directory);
	setenv(PSC_ENV_CONTROL_SOCKET, path, 1);
	return f;
}

static inline int fixture_free(struct fixture *f)
{
	char command[128];
	int r;

	if (f->running) {
		shutdown(f->listener, SHUT_RDWR);
		pthread_join(f->thread, NULL);
		close(f->listener);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", f->directory);
	r = system(command);
	free(f->out);
	free(f->err);
	free(f->file);
	free(f);
	return r == 0 ? 0 : -1;
}

static inline void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

/* All of a file; NULL: there is none. The caller frees. */
static inline char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	if (!file)
		return NULL;
	n = getdelim(&text, &size, '\0', file);
	fclose(file);
	if (n < 0) {
		free(text);
		return strdup("");
	}
	return text;
}

/* The same, valid until the next call. */
static inline char *get_file(struct fixture *f, const char *path)
{
	free(f->file);
	f->file = read_text(path);
	return f->file;
}

/* ---- running and looking --------------------------------------------------------- */

#define ARGUMENTS_MAX 32

/* Runs the NULL-terminated command line; its output is in the fixture then. */
static inline int run_array(struct fixture *f, const struct psc_verb *const *verbs, char **argv)
{
	size_t out_size, err_size;
	FILE *out, *err;
	int argc = 0, code;

	while (argv[argc])
		argc++;
	free(f->out);
	free(f->err);
	out = open_memstream(&f->out, &out_size);
	err = open_memstream(&f->err, &err_size);
	code = psc_cli_run(verbs, argc, argv, out, err);
	fclose(out);
	fclose(err);
	return code;
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

/* A valid envelope with @member; the caller frees. */
static inline json_t *envelope(const struct fixture *f, const char *verb, const char *member)
{
	json_t *json = json_loads(f->out, JSON_REJECT_DUPLICATES, NULL);

	if (!json)
		fail_msg("no JSON: %s", f->out);
	assert_int_equal(json_integer_value(json_object_get(json, "schema")), 1);
	assert_string_equal(json_string_value(json_object_get(json, "verb")), verb);
	assert_non_null(json_object_get(json, member));
	return json;
}

/* What the envelope carries; the caller frees. */
static inline json_t *data_of(const struct fixture *f, const char *verb)
{
	_cleanup_json_ json_t *json = envelope(f, verb, "data");

	return json_incref(json_object_get(json, "data"));
}

/* What was printed is what the file has; PSC_TEST_UPDATE=1 writes it anew. */
static inline void assert_as_in_file(const struct fixture *f, const char *path)
{
	_cleanup_free_ char *expected = NULL;

	if (getenv("PSC_TEST_UPDATE"))
		put_file(path, f->out);
	expected = read_text(path);
	if (!expected)
		fail_msg("%s cannot be read", path);
	assert_string_equal(f->out, expected);
}
