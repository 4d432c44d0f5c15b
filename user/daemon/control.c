/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.c - the control socket: one request and one reply a connection, for root (or
 * the daemon's own user) only; see daemon.h and frame.h.
 */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "user/core/frame.h"
#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/core/requester.h"
#include "user/daemon/daemon.h"

/* A client that is slow to ask must not hold the log back. */
#define CLIENT_TIMEOUT_MS 1000

int psc_control_open(struct psc_daemon *daemon)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = PSC_PATH_CONTROL_SOCKET};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int r;

	if (fd < 0)
		return -errno;
	/* left by a daemon that was killed; the lock says that none is running */
	unlink(PSC_PATH_CONTROL_SOCKET);
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (!r && listen(fd, 16) < 0)
		r = -errno;
	if (r < 0)
		return r;
	daemon->control_fd = TAKE_FD(fd);
	return 0;
}

static json_t *failure(int exit_status, const struct psc_error *error, const char *remedy)
{
	json_t *object = json_pack("{s:o}", "message", psc_json_safe(error->message));

	if (error->file[0])
		json_object_set_new(object, "file", psc_json_safe(error->file));
	if (error->line)
		json_object_set_new(object, "line", json_integer(error->line));
	if (error->column)
		json_object_set_new(object, "column", json_integer(error->column));
	if (remedy)
		json_object_set_new(object, "remedy", json_string(remedy));
	return json_pack("{s:b, s:i, s:o}", "ok", 0, "exit", exit_status, "error", object);
}

static json_t *success(json_t *data)
{
	return json_pack("{s:b, s:o}", "ok", 1, "data", data);
}

static json_t *answer_status(struct psc_daemon *daemon, const json_t *request,
			     const char *requester)
{
	struct psc_error error = {};
	json_t *data;
	int r = psc_status_json(daemon, &data);

	if (!r)
		return success(data);
	psc_error_set(&error, NULL, 0, 0, "the kernel's counters cannot be read: %s", strerror(-r));
	return failure(1, &error, NULL);
}

static json_t *answer_reload(struct psc_daemon *daemon, const json_t *request,
			     const char *requester)
{
	struct psc_error error = {};
	json_t *reply;

	if (psc_daemon_reload(daemon, requester, &error) < 0) {
		reply = failure(4, &error, "mend it and reload again; what was in force stays");
		if (daemon->objections)
			json_object_set(json_object_get(reply, "error"), "objections",
					daemon->objections);
		return reply;
	}
	return success(json_pack("{s:I, s:I}", "generation",
				 (json_int_t)daemon->guard->shared->control.generation, "digests",
				 (json_int_t)daemon->policy.image->listed));
}

static json_t *answer_clock(struct psc_daemon *daemon, const json_t *request, const char *requester)
{
	struct psc_error error = {};
	json_t *data;

	if (!psc_clock_json(daemon, &data))
		return success(data);
	psc_error_set(&error, NULL, 0, 0, "out of memory");
	return failure(1, &error, NULL);
}

static json_t *answer_clock_accept(struct psc_daemon *daemon, const json_t *request,
				   const char *requester)
{
	psc_clock_trust(daemon, requester);
	return answer_clock(daemon, request, requester);
}

static json_t *answer_off(struct psc_daemon *daemon, const json_t *request, const char *requester)
{
	struct psc_error error = {};
	int r = psc_daemon_off(daemon, requester, &error);

	if (!r)
		return success(json_pack("{s:s}", "guard", "off"));
	return failure(1, &error,
		       r == -ETIMEDOUT
			       ? "see who holds the programs (bpftool link); proscribe status "
				 "says when they are gone"
			       : "mend that, then proscribe off again");
}

/* Somebody has scanned: the log says what came of it. */
static json_t *answer_scanned(struct psc_daemon *daemon, const json_t *request,
			      const char *requester)
{
	struct psc_error error = {};
	uint64_t sequence;
	int r = psc_scanned_record(daemon, json_object_get(request, "data"), requester, &sequence);

	if (!r)
		return success(json_pack("{s:I}", "sequence", (json_int_t)sequence));
	psc_error_set(&error, NULL, 0, 0, "%s",
		      r == -EINVAL ? "that is no result of a scan" : strerror(-r));
	return failure(r == -EINVAL ? 4 : 1, &error,
		       r == -EINVAL ? NULL : "see proscribe status: the audit log");
}

static const struct {
	const char *verb;
	json_t *(*answer)(struct psc_daemon *daemon, const json_t *request, const char *requester);
} verbs[] = {
	{"status", answer_status},
	{"reload", answer_reload},
	{"off", answer_off},
	{"clock", answer_clock},
	{"clock_accept", answer_clock_accept},
	{"scanned", answer_scanned},
};

static json_t *answer(struct psc_daemon *daemon, const json_t *request, const char *requester)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));
	struct psc_error error = {};

	for (size_t i = 0; verb && i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verb, verbs[i].verb))
			return verbs[i].answer(daemon, request, requester);
	psc_error_set(&error, NULL, 0, 0, "the daemon knows no such request");
	return failure(2, &error, NULL);
}

void psc_control_serve(struct psc_daemon *daemon)
{
	_cleanup_close_ int fd = accept4(daemon->control_fd, NULL, NULL, SOCK_CLOEXEC);
	struct ucred peer;
	socklen_t size = sizeof(peer);
	json_t *request, *reply;
	char requester[PSC_REQUESTER_SIZE];

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return;
	if (peer.uid && peer.uid != geteuid())
		return;
	if (psc_frame_receive(fd, PSC_FRAME_REQUEST_MAX, CLIENT_TIMEOUT_MS, &request) < 0)
		return;
	/* the peer waits for its answer, so that its number is its own */
	psc_requester_name(peer.uid, peer.pid, requester);
	reply = answer(daemon, request, requester);
	if (reply)
		psc_frame_send_timeout(fd, reply, CLIENT_TIMEOUT_MS);
	json_decref(reply);
	json_decref(request);
}
