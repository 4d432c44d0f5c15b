/* SPDX-License-Identifier: Apache-2.0 */
/* canary.c - see canary.h. */
#include "user/core/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

#include "user/core/digest.h"
#include "user/daemon/canary.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10 /* from 6.3 (105ff5339f49) */
#endif
#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000 /* from 6.14 (a5874fde3c08) */
#endif

/* An unusual size, so that the filter hashes next to nothing else because of it. */
#define CANARY_SIZE_MIN	   60000
#define CANARY_SIZE_SPREAD 4096

static const char *const check_names[] = {
	[PSC_CANARY_EXEC] = "exec",
	[PSC_CANARY_LOAD] = "load",
	[PSC_CANARY_MPROTECT] = "mprotect",
	[PSC_CANARY_OPEN] = "open",
	[PSC_CANARY_EXECVE_CHECK] = "execve_check",
};
static const char *const result_names[] = {
	[PSC_CANARY_UNTESTED] = "untested",
	[PSC_CANARY_REFUSED] = "refused",
	[PSC_CANARY_PASSED] = "not refused",
};

_Static_assert(ARRAY_SIZE(check_names) == PSC_CANARY_MAX, "check names");
_Static_assert(ARRAY_SIZE(result_names) == PSC_CANARY_RESULT_MAX, "result names");

const char *psc_canary_check_to_string(unsigned int check)
{
	return check < PSC_CANARY_MAX ? check_names[check] : NULL;
}

const char *psc_canary_result_to_string(unsigned int result)
{
	return result < PSC_CANARY_RESULT_MAX ? result_names[result] : NULL;
}

/*
 * Sealed, so that its digest may be cached. Where memory files may not be executable
 * (vm.memfd_noexec=2) this fails, and so does the start: the guard is never unproven.
 */
static int make_file(const void *data, size_t size, int *ret_fd)
{
	_cleanup_close_ int fd = -1;

	fd = memfd_create("proscribe-canary", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("proscribe-canary", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (write(fd, data, size) != (ssize_t)size)
		return -EIO;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int psc_canary_init(struct psc_canary *canary)
{
	_cleanup_free_ char *data = NULL;
	uint16_t spread;
	uint8_t nonce[32];
	size_t size;
	int n, r;

	if (getrandom(&spread, sizeof(spread), 0) != sizeof(spread) ||
	    getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce))
		return -errno;
	size = CANARY_SIZE_MIN + spread % CANARY_SIZE_SPREAD;
	data = calloc(1, size);
	if (!data)
		return -ENOMEM;
	/* no format that the kernel executes: unguarded, an execution ends in ENOEXEC */
	n = snprintf(data, size, "proscribe canary: refused whenever the guard is on\n");
	memcpy(data + n, nonce, sizeof(nonce));
	*canary = (struct psc_canary){.fd = -1, .size = size};
	r = psc_digest_buffer(data, size, canary->digest);
	if (r < 0)
		return r;
	return make_file(data, size, &canary->fd);
}

void psc_canary_clear(struct psc_canary *canary)
{
	psc_closep(&canary->fd);
	canary->fd = -1;
}

/* Errno of executing @fd, which cannot succeed. */
static int execute(int fd, int flags)
{
	static char *const nothing[] = {"proscribe-canary", NULL};

	syscall(SYS_execveat, fd, "", nothing, nothing + 1, AT_EMPTY_PATH | flags);
	return errno;
}

static int map(int fd, size_t size, int prot, int then)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE, fd, 0);
	int r = 0;

	if (p == MAP_FAILED)
		return errno;
	if (then && mprotect(p, size, then) < 0)
		r = errno;
	munmap(p, size);
	return r;
}

static int reopen(int fd)
{
	_cleanup_close_ int again = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	return again < 0 ? errno : 0;
}

static enum psc_canary_result judge(int error, int error_unguarded)
{
	if (error == EPERM)
		return PSC_CANARY_REFUSED;
	return error == error_unguarded ? PSC_CANARY_PASSED : PSC_CANARY_UNTESTED;
}

bool psc_canary_refused(const struct psc_canary *canary)
{
	return execute(canary->fd, 0) == EPERM;
}

/*
 * Without a control a refusal could be somebody else's. The same file but for one byte,
 * which is not listed, must map and must fail to execute for its format alone.
 */
static int check_control(struct psc_canary *canary, struct psc_problem *reterr)
{
	_cleanup_free_ char *data = malloc(canary->size);
	_cleanup_close_ int fd = -1;
	int r;

	if (!data || pread(canary->fd, data, canary->size, 0) != (ssize_t)canary->size)
		return -EIO;
	data[canary->size - 1] = 1;
	r = make_file(data, canary->size, &fd);
	if (r < 0)
		return r;
	r = map(fd, canary->size, PROT_READ | PROT_EXEC, 0);
	if (!r && execute(fd, 0) == ENOEXEC)
		return 0;
	psc_problem_set(reterr, "allow executable memory files (vm.memfd_noexec below 2)",
			"an unlisted memory file cannot be executed or mapped here, so that "
			"refusals prove nothing");
	return -EBADE;
}

int psc_canary_run(struct psc_canary *canary, uint64_t features, struct psc_problem *reterr)
{
	enum psc_canary_result *result = canary->result;
	struct timespec now;
	int r = check_control(canary, reterr);

	if (r < 0)
		return r;
	result[PSC_CANARY_EXEC] = judge(execute(canary->fd, 0), ENOEXEC);
	result[PSC_CANARY_LOAD] = judge(map(canary->fd, canary->size, PROT_READ | PROT_EXEC, 0), 0);
	result[PSC_CANARY_MPROTECT] =
		judge(map(canary->fd, canary->size, PROT_READ, PROT_READ | PROT_EXEC), 0);
	result[PSC_CANARY_OPEN] = judge(reopen(canary->fd), 0);
	result[PSC_CANARY_EXECVE_CHECK] = PSC_CANARY_UNTESTED;
	if (features >> PSC_FEATURE_EXECVE_CHECK & 1)
		result[PSC_CANARY_EXECVE_CHECK] = judge(execute(canary->fd, AT_EXECVE_CHECK), 0);
	clock_gettime(CLOCK_REALTIME, &now);
	canary->wall_ns = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	for (int i = 0; i < PSC_CANARY_MAX; i++) {
		bool required = i != PSC_CANARY_EXECVE_CHECK;

		if (result[i] == PSC_CANARY_REFUSED ||
		    (!required && result[i] == PSC_CANARY_UNTESTED))
			continue;
		psc_problem_set(reterr,
				"check kernel.ftrace_enabled and that bpf is in "
				"/sys/kernel/security/lsm",
				"the guard is attached but the canary's %s was %s", check_names[i],
				result_names[result[i]]);
		return -EBADE;
	}
	return 0;
}
