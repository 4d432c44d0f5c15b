/* SPDX-License-Identifier: Apache-2.0 */
/* requester.c - see requester.h. */
#include "user/core/util.h"

#include <fcntl.h>

#include "user/core/requester.h"

void psc_requester_name(uid_t uid, pid_t pid, char ret[PSC_REQUESTER_SIZE])
{
	char path[64], text[16] = "";
	_cleanup_close_ int fd = -1;
	int n = snprintf(ret, PSC_REQUESTER_SIZE, "uid %u, ", uid);
	ssize_t got = -1;

	snprintf(path, sizeof(path), "/proc/%d/loginuid", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		got = read(fd, text, sizeof(text) - 1);
	/* (uid_t)-1: nobody has logged in */
	if (got > 0 && text[strspn(text, "0123456789")] == '\0' && strcmp(text, "4294967295") != 0)
		n += snprintf(ret + n, PSC_REQUESTER_SIZE - (size_t)n, "auid %s, ", text);
	snprintf(ret + n, PSC_REQUESTER_SIZE - (size_t)n, "pid %d", pid);
}
