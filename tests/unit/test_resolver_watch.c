/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_resolver_watch.c - what the resolver has the kernel tell it of: nothing while it is switched
 * off, and after that what it was before, although descriptors have the same numbers again and a
 * job of the time before is still to be done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "user/core/util.h"
#include "user/daemon/resolver_internal.h"

void psc_say(const char *format, ...)
{
}

int psc_journal_record(struct psc_daemon *daemon, const char *type, json_t **ret)
{
	return -EIO;
}

int psc_journal_write(struct psc_daemon *daemon, json_t *record)
{
	return -EIO;
}

void psc_resolver_ask(struct psc_daemon *daemon)
{
}

struct fixture {
	struct psc_config config;
	struct psc_resolver resolver;
	struct psc_resolver_know know;
	struct psc_daemon daemon;
};

static void *no_thread(void *data)
{
	return NULL;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->know.users = 1;
	f->resolver.know = &f->know;
	f->resolver.watch = (struct psc_resolver_watch){
		.packages_fd = -1, .mounts_fd = -1, .files_fd = -1, .moves_fd = -1};
	f->resolver.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert_true(f->resolver.epoll_fd >= 0);
	assert_int_equal(psc_resolver_queue_start(&f->resolver.queue, no_thread), 0);
	f->config.resolver.enabled = f->config.resolver.new_files = true;
	f->daemon.resolver = &f->resolver;
	f->daemon.policy.config = &f->config;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_true(psc_resolver_queue_end(&f->resolver.queue, 60000));
	psc_resolver_watch_close(&f->resolver);
	close(f->resolver.epoll_fd);
	free(f);
	return 0;
}

static bool is_member(const struct fixture *f, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return fd >= 0 && epoll_ctl(f->resolver.epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0;
}

static void expect_nothing(const struct fixture *f)
{
	const struct psc_resolver_watch *w = &f->resolver.watch;

	assert_int_equal(w->packages_fd, -1);
	assert_int_equal(w->mounts_fd, -1);
	assert_int_equal(w->files_fd, -1);
	assert_int_equal(w->moves_fd, -1);
	assert_int_equal(w->file_systems, 0);
}

static void test_off_and_on(void **state)
{
	struct fixture *f = *state;
	const struct psc_resolver_watch *w = &f->resolver.watch;

	f->config.resolver.enabled = false;
	psc_resolver_watch_adjust(&f->daemon);
	expect_nothing(f);
	for (unsigned int i = 0; i < 3; i++) {
		f->config.resolver.enabled = true;
		psc_resolver_watch_adjust(&f->daemon);
		assert_true(is_member(f, w->packages_fd));
		assert_int_equal(is_member(f, w->files_fd), w->files_fd >= 0);
		f->resolver.watch.paused = true;
		f->resolver.watch.file_systems = 3;
		f->config.resolver.enabled = false;
		psc_resolver_watch_adjust(&f->daemon);
		expect_nothing(f);
		assert_false(w->paused);
	}
}

static void test_new_files_alone(void **state)
{
	struct fixture *f = *state;

	psc_resolver_watch_adjust(&f->daemon);
	f->config.resolver.new_files = false;
	psc_resolver_watch_adjust(&f->daemon);
	assert_true(is_member(f, f->resolver.watch.packages_fd));
	assert_int_equal(f->resolver.watch.files_fd, -1);
	assert_int_equal(f->resolver.watch.mounts_fd, -1);
}

/* An event descriptor stands for fanotify's, which only root has. */
static void test_job_of_before(void **state)
{
	struct fixture *f = *state;
	struct psc_resolver_watch *w = &f->resolver.watch;
	struct epoll_event event = {.events = EPOLLIN};
	struct psc_resolver_job *job;
	int old, other;

	w->files_fd = old = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(old >= 0);
	event.data.fd = old;
	assert_int_equal(epoll_ctl(f->resolver.epoll_fd, EPOLL_CTL_ADD, old, &event), 0);
	psc_resolver_watch_mounts(&f->daemon);
	assert_int_equal(epoll_wait(f->resolver.epoll_fd, &event, 1, 0), 1);
	f->config.resolver.enabled = false;
	psc_resolver_watch_adjust(&f->daemon);
	/* the job has it still, and nobody is told of its events */
	assert_int_equal(epoll_wait(f->resolver.epoll_fd, &event, 1, 0), 0);
	other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(other, old);
	job = psc_resolver_next(&f->resolver.queue);
	assert_non_null(job);
	assert_int_not_equal(job->files_fd, old);
	assert_int_equal(job->moves_fd, -1);
	psc_resolver_job_free(job);
	assert_true(fcntl(other, F_GETFD) >= 0);
	close(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_off_and_on),
		TEST(test_new_files_alone),
		TEST(test_job_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
