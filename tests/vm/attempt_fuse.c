/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt_fuse.c - a FUSE server that never answers a read, and a file that is mapped by a
 * descriptor from before its copy-up. Part of the program attempt.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/vm/attempt.h"

/* ---- the server -------------------------------------------------------------------- */

#define FIRST_NODE 2 /* of the files f0, f1, ...; the root directory is 1 */

struct server {
	int fd;
	unsigned long size; /* of every file */
};

static void reply(const struct server *s, const struct fuse_in_header *in, int error,
		  const void *data, size_t size)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + size,
		.error = error,
		.unique = in->unique,
	};
	char buffer[512];

	memcpy(buffer, &out, sizeof(out));
	memcpy(buffer + sizeof(out), data, size);
	if (write(s->fd, buffer, out.len) < 0)
		attempt_say("reply to %u: %s", in->opcode, strerror(errno));
}

static struct fuse_attr attributes(const struct server *s, unsigned long node)
{
	int directory = node == FUSE_ROOT_ID;

	return (struct fuse_attr){
		.ino = node,
		.size = directory ? 0 : s->size,
		.mode = directory ? S_IFDIR | 0755 : S_IFREG | 0755,
		.nlink = 1,
		.blksize = 4096,
	};
}

static void look_up(const struct server *s, const struct fuse_in_header *in, const char *name)
{
	unsigned long node = FIRST_NODE + strtoul(name + 1, NULL, 10);
	struct fuse_entry_out out = {
		.nodeid = node,
		.entry_valid = 1000,
		.attr_valid = 1000,
		.attr = attributes(s, node),
	};

	if (name[0] != 'f')
		reply(s, in, -ENOENT, NULL, 0);
	else
		reply(s, in, 0, &out, sizeof(out));
}

static void answer(const struct server *s, const struct fuse_in_header *in, const void *body)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_write = 65536,
		.max_background = 64,
		.congestion_threshold = 48,
	};
	struct fuse_attr_out attr = {.attr_valid = 1000, .attr = attributes(s, in->nodeid)};
	struct fuse_open_out opened = {.fh = in->nodeid};

	switch (in->opcode) {
	case FUSE_INIT:
		reply(s, in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		look_up(s, in, body);
		break;
	case FUSE_GETATTR:
		reply(s, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		reply(s, in, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ: /* the point of it */
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(s, in, -ENOSYS, NULL, 0);
	}
}

/* Serves until it is killed; then everything that waits for it fails. */
int attempt_fuse_hanging(int argc, char **argv)
{
	static char request[1 << 17];
	struct server s = {.fd = open("/dev/fuse", O_RDWR | O_CLOEXEC)};
	const struct fuse_in_header *in = (const void *)request;
	char options[128];
	ssize_t n;

	s.size = strtoul(argv[1], NULL, 10);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other",
		 s.fd);
	if (s.fd < 0 || mount("hanging", argv[0], "fuse", 0, options) < 0)
		return attempt_untried(argv[0]);
	while ((n = read(s.fd, request, sizeof(request))) > 0 || errno == EINTR ||
	       errno == ENOENT) {
		if (n >= (ssize_t)sizeof(*in))
			answer(&s, in, in + 1);
	}
	return attempt_untried("/dev/fuse");
}

/* ---- a descriptor from before a copy-up ------------------------------------------------ */

/* PATH is on an overlay: writing CONTENT into it copies it up. */
int attempt_map_before_copy_up(int argc, char **argv)
{
	char data[65536];
	size_t size;
	ssize_t n;
	int before = attempt_open(argv[0], O_RDONLY, &size);
	int from = open(argv[1], O_RDONLY | O_CLOEXEC);
	int to = open(argv[0], O_WRONLY | O_CLOEXEC);

	if (before < 0 || from < 0 || to < 0)
		return attempt_untried(argv[0]);
	while ((n = read(from, data, sizeof(data))) > 0)
		if (write(to, data, n) != n)
			return attempt_untried(argv[0]);
	close(to);
	return attempt_map(before, size, PROT_READ | PROT_EXEC);
}
