/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - proscribe-identify: the only process that parses hostile files for the daemon. The
 * daemon starts it with a socket as descriptor 3 and sends it one open file after the other; it
 * answers with the facts (wire.h).
 *
 * Each file is parsed by a process of its own, which then ends: a file that takes that process
 * over finds no other file there and not the daemon's socket, and can do nothing but answer
 * (sandbox.c), once and for itself. This process parses requests, and passes answers on unread.
 *
 * With --rpm-packages ROOT it reads the rpm databases there instead (rpm.h).
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "user/core/util.h"
#include "user/core/catalog.h"
#include "user/core/digest.h"
#include "user/core/error.h"
#include "user/core/frame.h"
#include "user/core/indicator.h"
#include "user/core/json.h"
#include "user/core/paths.h"
#include "user/identify/identify.h"
#include "user/identify/marker.h"
#include "user/identify/signer.h"
#include "user/identify/wire.h"
#include "user/worker/rpm.h"
#include "user/worker/sandbox.h"

#define SOCKET_FD     PSC_SANDBOX_SOCKET
#define CATALOGS_MAX  8
#define REPLY_TIMEOUT 10000 /* ms */

struct worker {
	const char *catalog[CATALOGS_MAX];
	size_t catalogs;
	const char *trust_directory;
	const char *rpm_root; /* NULL: it is not for rpm databases that this was started */
	struct psc_trust *trust;
	struct psc_markers *markers;
	struct psc_sandbox *sandbox;
};

static const struct option options[] = {
	{"catalog", required_argument, NULL, 'c'},
	{"trust", required_argument, NULL, 't'},
	{"rpm-packages", required_argument, NULL, 'r'},
	{"version", no_argument, NULL, 'V'},
	{},
};

static void say(const char *what, const char *why)
{
	fprintf(stderr, "proscribe-identify: %s: %s\n", what, why);
}

static int fail(const char *what, int r)
{
	say(what, strerror(-r));
	return r;
}

/* ---- start: everything that needs the file system -------------------------------------- */

static int load_indicators(const struct worker *worker, struct psc_indicators **ret,
			   struct psc_error *reterr)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = NULL;
	struct psc_catalog catalog = {0};
	int r = psc_indicators_new(&indicators);

	for (size_t i = 0; i < worker->catalogs && r == 0; i++)
		r = psc_catalog_load(&catalog, worker->catalog[i], reterr);
	for (size_t i = 0; i < worker->catalogs && r == 0; i++)
		r = psc_indicators_load(indicators, &catalog, worker->catalog[i], reterr);
	psc_catalog_clear(&catalog);
	if (r == 0)
		*ret = TAKE_PTR(indicators);
	return r;
}

static int load_markers(struct worker *worker, struct psc_error *reterr)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = NULL;
	int r = load_indicators(worker, &indicators, reterr);

	return r < 0 ? r : psc_markers_new(psc_indicators_markers(indicators), &worker->markers);
}

static int refuse(int r, const struct psc_error *error)
{
	char text[640];

	if (!error->message[0])
		return fail("not started", r);
	say("not started", psc_error_format(error, text, sizeof(text)));
	return r;
}

static int load(struct worker *worker)
{
	struct psc_error error = {0};
	uint8_t digest[PSC_DIGEST_SIZE];
	int r = load_markers(worker, &error);

	if (r == 0)
		r = psc_trust_new_host(worker->trust_directory, true, &worker->trust, &error);
	if (r < 0)
		return refuse(r, &error);
	/* libcrypto reads its configuration when it is first used */
	psc_digest_buffer("", 0, digest);
	r = psc_sandbox_new(&worker->sandbox);
	return r < 0 ? fail("the filter of system calls", r) : 0;
}

/* ---- one file ----------------------------------------------------------------------------- */

/*
 * In the process of its own; never returns. The socket to the other process takes the place of
 * the daemon's.
 */
static void identify(struct worker *worker, const struct psc_wire_request *request, int fd,
		     int answer_fd)
{
	const struct psc_identify_options what = {.markers = worker->markers,
						  .trust = worker->trust,
						  .want_digest = request->want_digest};
	_cleanup_json_ json_t *reply = NULL;
	struct psc_facts facts = {0};
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	/* no cloexec: nothing can be executed any more */
	if (dup2(answer_fd, SOCKET_FD) < 0 || psc_sandbox_enter(worker->sandbox) < 0)
		_exit(2);
	close(answer_fd);
	r = psc_identify(fd, &what, &facts);
	if (psc_wire_reply_encode(r, &facts, &reply) < 0 ||
	    psc_frame_send_timeout(SOCKET_FD, reply, REPLY_TIMEOUT) < 0)
		_exit(1);
	_exit(0);
}

/* Everything that comes until the end; -EMSGSIZE for more than a reply may have. */
static int collect(int fd, uint8_t **ret, size_t *ret_size)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = 0, room = 0;

	for (;;) {
		ssize_t n;

		if (size == room) {
			uint8_t *more;

			if (room > PSC_WIRE_REPLY_MAX)
				return -EMSGSIZE;
			room = room ? 2 * room : 65536;
			more = realloc(data, room);
			if (!more)
				return -ENOMEM;
			data = more;
		}
		n = read(fd, data + size, room - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += n;
	}
	*ret = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

/* One frame and nothing else, as far as its header says so. */
static bool is_frame(const uint8_t *data, size_t size)
{
	uint32_t length;

	if (size < PSC_FRAME_HEADER || data[4] != PSC_FRAME_VERSION)
		return false;
	length = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
		 (uint32_t)data[3] << 24;
	return length == size - PSC_FRAME_HEADER;
}

static int pass_on(const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = send(SOCKET_FD, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= n;
	}
	return 0;
}

/* Anything but an answer ends this process, too: the daemon sees the end of the socket. */
static int serve(struct worker *worker, const struct psc_wire_request *request, int fd)
{
	_cleanup_free_ uint8_t *answer = NULL;
	_cleanup_close_ int ours = -1;
	size_t size = 0;
	int pair[2], status, r;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return fail("socketpair", -errno);
	ours = pair[0];
	child = fork();
	if (child == 0) {
		close(ours);
		identify(worker, request, fd, pair[1]);
	}
	close(pair[1]);
	if (child < 0)
		return fail("fork", -errno);
	r = collect(ours, &answer, &size);
	if (r < 0)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || !is_frame(answer, size))
		return -ECHILD;
	return pass_on(answer, size);
}

/* ---- requests ------------------------------------------------------------------------------ */

/* Takes the descriptor of a message; one too many is closed. */
static void take_descriptor(struct msghdr *message, int *fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (*fd < 0)
				*fd = one;
			else
				close(one);
		}
	}
}

/* 1: a request and its file; 0: the daemon has closed. */
static int receive(struct psc_wire_request *ret, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct psc_frame_decoder decoder;
	_cleanup_json_ json_t *json = NULL;
	_cleanup_close_ int fd = -1;
	uint8_t buffer[4096];
	int r = 0;

	psc_frame_decoder_init(&decoder, PSC_WIRE_REQUEST_MAX);
	while (r == 0) {
		struct iovec piece = {buffer, sizeof(buffer)};
		struct msghdr message = {
			.msg_iov = &piece,
			.msg_iovlen = 1,
			.msg_control = control.bytes,
			.msg_controllen = sizeof(control.bytes),
		};
		ssize_t n = recvmsg(SOCKET_FD, &message, MSG_CMSG_CLOEXEC);
		size_t used = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			take_descriptor(&message, &fd);
		r = n < 0    ? -errno
		    : n == 0 ? (psc_frame_decoder_midway(&decoder) ? -EPIPE : -ENODATA)
			     : psc_frame_decoder_feed(&decoder, buffer, n, &used);
		if (r > 0 && used != (size_t)n)
			r = -EPROTO;
	}
	if (r > 0)
		r = psc_frame_decoder_take(&decoder, &json);
	psc_frame_decoder_clear(&decoder);
	if (r == 0)
		r = fd >= 0 ? psc_wire_request_decode(json, ret) : -EPROTO;
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	*ret_fd = TAKE_FD(fd);
	return 1;
}

static int say_ready(void)
{
	_cleanup_json_ json_t *ready = NULL;
	int r = psc_wire_ready_encode(&ready);

	return r < 0 ? r : psc_frame_send_timeout(SOCKET_FD, ready, REPLY_TIMEOUT);
}

static int loop(struct worker *worker)
{
	int r = say_ready();

	if (r < 0)
		return fail("the daemon cannot be told", r);
	for (;;) {
		_cleanup_(psc_wire_request_clear) struct psc_wire_request request = {0};
		_cleanup_close_ int fd = -1;

		r = receive(&request, &fd);
		if (r <= 0)
			return r < 0 ? fail("request", r) : 0;
		r = serve(worker, &request, fd);
		if (r < 0)
			return r;
	}
}

/* 0 to go on; else the process ends with *ret_status. */
static int parse(int argc, char **argv, struct worker *worker, int *ret_status)
{
	int c;

	*ret_status = 2;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			if (worker->catalogs == CATALOGS_MAX)
				return -1;
			worker->catalog[worker->catalogs++] = optarg;
			break;
		case 't':
			worker->trust_directory = optarg;
			break;
		case 'r':
			worker->rpm_root = optarg;
			break;
		case 'V':
			puts("proscribe-identify " PSC_VERSION);
			*ret_status = 0;
			return -1;
		default:
			return -1;
		}
	}
	if (optind < argc && !worker->rpm_root)
		return -1;
	if (worker->catalogs == 0) {
		worker->catalog[worker->catalogs++] = PSC_PATH_SHARE_CATALOG;
		worker->catalog[worker->catalogs++] = PSC_PATH_CATALOG;
	}
	return 0;
}

/* With paths whose owner is asked for. */
static int read_rpm(const struct worker *worker, const char *const *asked)
{
	_cleanup_(psc_indicators_freep) struct psc_indicators *indicators = NULL;
	struct psc_error error = {0};
	int r = load_indicators(worker, &indicators, &error);

	if (r < 0)
		return refuse(r, &error);
	r = psc_worker_rpm(worker->rpm_root, indicators, asked);
	return r < 0 ? fail("rpm databases", r) : 0;
}

int main(int argc, char **argv)
{
	struct worker worker = {0};
	int type = 0, status;
	socklen_t size = sizeof(type);

	if (parse(argc, argv, &worker, &status) < 0)
		return status;
	if (worker.rpm_root)
		return read_rpm(&worker, (const char *const *)argv + optind) < 0 ? EXIT_FAILURE
										 : EXIT_SUCCESS;
	if (getsockopt(SOCKET_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM) {
		say("descriptor 3", "no socket: proscribed starts this program");
		return 2;
	}
	if (close_range(SOCKET_FD + 1, ~0U, 0) < 0) {
		fail("close_range", -errno);
		return EXIT_FAILURE;
	}
	if (load(&worker) < 0)
		return EXIT_FAILURE;
	status = psc_sandbox_drop();
	if (status < 0) {
		fail("privileges cannot be given up", status);
		return EXIT_FAILURE;
	}
	return loop(&worker) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
