/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_who_reader.c - what the daemon learns of a process after its event: this one's parents and
 * arguments, nothing of one that has only its number, and no waiting for one that hangs. Then the
 * record that it becomes part of.
 */
#include "user/core/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

static unsigned int slow_ms;

static ssize_t slow_readlinkat(int fd, const char *path, char *buffer, size_t size)
{
	usleep(slow_ms * 1000);
	return readlinkat(fd, path, buffer, size);
}

#define readlinkat slow_readlinkat
#include "user/daemon/who.c"
#undef readlinkat

#include "user/core/event_json.h"
#include "user/core/json.h"

/* As the kernel would have told of @pid. */
static struct psc_event_process process_of(pid_t pid)
{
	char path[64], text[1024];
	uint64_t start;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	n = read_file(AT_FDCWD, path, text, sizeof(text));
	assert_true(n > 0);
	assert_int_equal(psc_who_parse_stat(text, (size_t)n, &start), 0);
	return (struct psc_event_process){
		.tgid = (uint32_t)pid,
		.start_ns = start * (PSC_NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK)) + 7,
	};
}

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sleep", "a name\n", "30", NULL);
		_exit(127);
	}
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* On a busy machine the thread may be late: until it answers for the parent, which is there. */
static void ask(struct psc_who_reader *reader, struct psc_event *event, struct psc_who *ret)
{
	ret->parent.known = false;
	for (int i = 0; i < 200 && !ret->parent.known; i++) {
		if (i)
			usleep(20000);
		event->head.boot_ns = psc_time_boot();
		psc_who_ask(reader, event, ret);
	}
	assert_true(ret->parent.known);
}

static void test_ask(void **state)
{
	static struct psc_event event;
	struct psc_who_reader *reader;
	struct psc_who who = {};
	pid_t child = start_child();

	assert_int_equal(psc_who_reader_new(&reader), 0);
	event.process = process_of(child);
	event.parent = process_of(getpid());
	/* until it is that program */
	for (int i = 0; i < 200 && !strstr(who.process.executable, "sleep"); i++)
		ask(reader, &event, &who);
	assert_true(who.process.known);
	assert_int_equal(who.process.arguments_size, sizeof("a name\n\00030"));
	assert_memory_equal(who.process.arguments, "a name\n\00030", sizeof("a name\n\00030"));
	assert_false(who.process.arguments_cut);
	assert_true(who.parent.known);
	assert_non_null(strstr(who.parent.executable, "test_who_reader"));
	/* another process with the same number */
	event.process.start_ns += PSC_NSEC_PER_SEC;
	ask(reader, &event, &who);
	assert_false(who.process.known);
	assert_string_equal(who.process.executable, "");
	/* gone */
	event.process.start_ns -= PSC_NSEC_PER_SEC;
	end_child(child);
	ask(reader, &event, &who);
	assert_false(who.process.known);
	/* an event that waited */
	event.head.boot_ns -= 2 * LATE_NS;
	psc_who_ask(reader, &event, &who);
	assert_false(who.parent.known);
	psc_who_reader_free(reader);
	psc_who_ask(NULL, &event, &who);
	assert_false(who.parent.known);
}

/* What the kernel calls the program that @pid runs, by its mappings. */
static void name_program(pid_t pid, struct psc_event_process *p)
{
	char path[64], text[8192], exe[256], *line;
	unsigned int major, minor;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	assert_true(n > 0);
	exe[n] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	n = read_some(AT_FDCWD, path, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	/* a sanitizer has its own mappings before the program's */
	line = strstr(text, exe);
	assert_non_null(line);
	while (line > text && line[-1] != '\n')
		line--;
	assert_int_equal(sscanf(line, "%*x-%*x %*s %*x %x:%x %llu", &major, &minor,
				(unsigned long long *)&p->exe_inode),
			 3);
	p->exe_device = major << 20 | minor;
}

/* Who is gone ran what his parent runs, or what somebody else was seen to run. */
static void test_program(void **state)
{
	static struct psc_event event;
	struct psc_who_reader *reader;
	struct psc_who who = {};

	assert_int_equal(psc_who_reader_new(&reader), 0);
	event.parent = process_of(getpid());
	name_program(getpid(), &event.parent);
	event.process = event.parent;
	event.process.start_ns += PSC_NSEC_PER_SEC;
	ask(reader, &event, &who);
	assert_non_null(strstr(who.process.executable, "test_who_reader"));
	assert_int_equal(who.process.arguments_size, 0);
	/* an event that waited: nothing is asked of /proc, what is known is known */
	event.head.boot_ns -= 2 * LATE_NS;
	who = (struct psc_who){};
	for (int i = 0; i < 200 && !who.process.known; i++) {
		usleep(i ? 20000 : 0);
		psc_who_ask(reader, &event, &who);
	}
	assert_non_null(strstr(who.parent.executable, "test_who_reader"));
	assert_int_equal(who.parent.arguments_size, 0);
	/* another file that has got the inode's number */
	event.process.exe_generation++;
	ask(reader, &event, &who);
	assert_false(who.process.known);
	/* a parent that runs something else by now tells nothing of what it ran */
	event.process.exe_generation--;
	event.process.exe_inode = ++event.parent.exe_inode;
	ask(reader, &event, &who);
	assert_false(who.process.known);
	assert_non_null(strstr(who.parent.executable, "test_who_reader"));
	psc_who_reader_free(reader);
}

/* A process that makes its reader wait makes nobody else wait. */
static void test_hang(void **state)
{
	static struct psc_event event;
	struct psc_who_reader *reader;
	struct psc_who who;
	uint64_t begin;

	event.process = event.parent = process_of(getpid());
	assert_int_equal(psc_who_reader_new(&reader), 0);
	slow_ms = 1500;
	begin = event.head.boot_ns = psc_time_boot();
	psc_who_ask(reader, &event, &who);
	assert_false(who.process.known);
	psc_who_ask(reader, &event, &who);
	assert_false(who.process.known);
	assert_true(psc_time_boot() - begin < PSC_NSEC_PER_SEC);
	slow_ms = 0;
	/* when it goes on, the answer that nobody waits for is not taken for another's */
	for (int i = 0; i < 100 && !who.process.known; i++) {
		usleep(100000);
		event.head.boot_ns = psc_time_boot();
		psc_who_ask(reader, &event, &who);
	}
	assert_true(who.process.known);
	psc_who_reader_free(reader);
}

static void test_record(void **state)
{
	static struct psc_event event = {.head.type = PSC_EVENT_DECISION};
	static struct psc_who who, nothing;
	struct psc_event_context context = {.hostname = "h"};
	_cleanup_json_ json_t *record = NULL, *before = NULL, *wanted = NULL;

	assert_int_equal(psc_event_to_json(&event, &context, &before), 0);
	context.who = &nothing;
	assert_int_equal(psc_event_to_json(&event, &context, &record), 0);
	assert_true(json_equal(record, before));
	json_decref(record);
	who.process.known = true;
	snprintf(who.process.executable, sizeof(who.process.executable), "/bin/a\033");
	memcpy(who.process.arguments, "a\0\0-x\n", 7);
	who.process.arguments_size = 7;
	who.process.arguments_cut = true;
	snprintf(who.cgroup, sizeof(who.cgroup), "/machine.slice/systemd-nspawn@w.service");
	psc_who_container_of(who.cgroup, &who.container);
	snprintf(who.container.pod, sizeof(who.container.pod), "uid");
	context.who = &who;
	assert_int_equal(psc_event_to_json(&event, &context, &record), 0);
	wanted = json_loads("{\"args\":[\"a\",\"\",\"-x\\\\x0a\",\"...\"]}", 0, NULL);
	assert_true(json_equal(json_object_get(json_object_get(record, "process"), "args"),
			       json_object_get(wanted, "args")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(record, "process"),
							      "executable")),
			    "/bin/a\\x1b");
	json_decref(wanted);
	wanted =
		json_loads("{\"id\":\"w\",\"name\":\"w\",\"runtime\":\"systemd-nspawn\"}", 0, NULL);
	assert_true(json_equal(json_object_get(record, "container"), wanted));
	assert_true(
		json_is_true(json_object_get(json_object_get(record, "proscribe"), "best_effort")));
	assert_non_null(json_object_get(record, "orchestrator"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_hang),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
