/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - asking the daemon, see client.h.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "user/cli/client.h"
#include "user/cli/output.h"
#include "user/core/frame.h"
#include "user/core/json.h"
#include "user/core/paths.h"

#define CONNECT_TIMEOUT_S 5
/* A reload of millions of digests takes its time; a daemon that hangs must not hang us. */
#define REPLY_TIMEOUT_MS 120000

void psc_answer_clear(struct psc_answer *answer)
{
	json_decref(answer->data);
	json_decref(answer->objections);
	answer->data = NULL;
	answer->objections = NULL;
}

static const char *socket_path(void)
{
	const char *path = getenv(PSC_ENV_CONTROL_SOCKET);

	return path && *path ? path : PSC_PATH_CONTROL_SOCKET;
}

static int connect_to(const char *path)
{
	_cleanup_close_ int fd = -1;
	struct timeval timeout = {.tv_sec = CONNECT_TIMEOUT_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);

	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* Bounds connect(2) too, which waits while the daemon's backlog is full. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static void unreachable(struct psc_answer *answer, const char *path, int error)
{
	answer->kind = PSC_ANSWER_UNREACHABLE;
	answer->code = PSC_EXIT_UNREACHABLE;
	psc_error_set(&answer->error, NULL, 0, 0, "the daemon is not reachable at %s: %s", path,
		      strerror(-error));
	snprintf(answer->remedy, sizeof(answer->remedy), "%s",
		 error == -EACCES || error == -EPERM
			 ? "run it as root"
			 : "start the daemon: systemctl start proscribed");
}

static void broken(struct psc_answer *answer, const char *what, int error)
{
	answer->kind = PSC_ANSWER_BROKEN;
	answer->code = PSC_EXIT_FAILED;
	psc_error_set(&answer->error, NULL, 0, 0, "%s: %s", what, strerror(-error));
	snprintf(answer->remedy, sizeof(answer->remedy),
		 "look at 'proscribe status' and the daemon's messages");
}

static unsigned int position(const json_t *error, const char *key)
{
	json_int_t n = psc_json_number(error, key, 0);

	return n > 0 && n <= INT32_MAX ? (unsigned int)n : 0;
}

static void refused(struct psc_answer *answer, const json_t *reply)
{
	const json_t *error = json_object_get(reply, "error");
	json_int_t code = psc_json_number(reply, "exit", PSC_EXIT_FAILED);

	answer->kind = PSC_ANSWER_REFUSED;
	answer->code = code > 0 && code <= PSC_EXIT_LISTED ? (int)code : PSC_EXIT_FAILED;
	psc_error_set(&answer->error, psc_json_text(error, "file", NULL), position(error, "line"),
		      position(error, "column"), "%s",
		      psc_json_text(error, "message", "the daemon refused and did not say why"));
	snprintf(answer->remedy, sizeof(answer->remedy), "%s", psc_json_text(error, "remedy", ""));
	if (json_is_array(json_object_get(error, "objections")))
		answer->objections = json_incref(json_object_get(error, "objections"));
}

static void understand(struct psc_answer *answer, const json_t *reply)
{
	const json_t *ok = json_object_get(reply, "ok");

	if (json_is_true(ok)) {
		answer->kind = PSC_ANSWER_OK;
		answer->data = json_incref(json_object_get(reply, "data"));
	} else if (json_is_false(ok)) {
		refused(answer, reply);
	} else {
		broken(answer, "the daemon's reply is not understood", -EPROTO);
	}
}

static void ask(const json_t *request, struct psc_answer *ret)
{
	_cleanup_json_ json_t *reply = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	*ret = (struct psc_answer){};
	fd = connect_to(socket_path());
	if (fd < 0) {
		unreachable(ret, socket_path(), fd);
		return;
	}
	r = request ? psc_frame_send(fd, request) : -ENOMEM;
	if (r < 0) {
		broken(ret, "cannot send to the daemon", r);
		return;
	}
	r = psc_frame_receive(fd, PSC_FRAME_REPLY_MAX, REPLY_TIMEOUT_MS, &reply);
	if (r < 0)
		broken(ret, "no reply from the daemon", r);
	else
		understand(ret, reply);
}

void psc_client_ask(const char *verb, struct psc_answer *ret)
{
	_cleanup_json_ json_t *request = json_pack("{s:s}", "verb", verb);

	ask(request, ret);
}

void psc_client_tell(const char *verb, json_t *data, struct psc_answer *ret)
{
	_cleanup_json_ json_t *request = json_pack("{s:s, s:O}", "verb", verb, "data", data);

	ask(request, ret);
}

int psc_answer_fail(struct psc_cli *cli, const struct psc_answer *answer)
{
	return psc_cli_fail_objections(cli, answer->code, &answer->error, answer->remedy,
				       answer->objections);
}
