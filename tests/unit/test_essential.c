/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_essential.c - what a host needs is found on hosts that the tests build, with what that
 * needs; what nobody needs is not; what cannot be judged is an error that names it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_host.h"
#include "user/identify/elf_links.h"
#include "user/identify/essential.h"
#include "user/identify/essential_words.h"
#include "bpf/abi.h"

#define LOADER "/lib64/ld-linux-x86-64.so.2"

static struct psc_essential *found;

static int begin(void **state)
{
	host_begin();
	found = NULL;
	return 0;
}

static int end(void **state)
{
	psc_essential_free(found);
	host_end();
	return 0;
}

static void find(void)
{
	struct psc_error error = {0};
	int r = psc_essential_find(host_root, &found, &error);

	if (r < 0)
		print_error("%s: %s\n", error.file, error.message);
	assert_int_equal(r, 0);
}

/* Its error, with @file and @message in it. */
static void refuse(int expected, const char *file, const char *message)
{
	struct psc_error error = {0};

	assert_int_equal(psc_essential_find(host_root, &found, &error), expected);
	assert_null(found);
	assert_string_equal(error.file, file);
	if (!strstr(error.message, message))
		print_error("%s\n", error.message);
	assert_non_null(strstr(error.message, message));
}

static const struct psc_essential_file *get(const char *path)
{
	for (size_t i = 0; i < found->count; i++) {
		if (strcmp(found->file[i].path, path) == 0)
			return &found->file[i];
	}
	return NULL;
}

static void assert_found(const char *path)
{
	if (!get(path))
		print_error("not found: %s\n", path);
	assert_non_null(get(path));
}

static void assert_not_found(const char *path)
{
	if (get(path))
		print_error("found: %s\n", path);
	assert_null(get(path));
}

static void assert_needed_by(const char *path, const char *by)
{
	assert_found(path);
	assert_true(get(path)->needed_by < found->count);
	assert_string_equal(found->file[get(path)->needed_by].path, by);
}

static void program(const char *path)
{
	host_elf(path, (struct host_elf){.interpreter = LOADER, .needed = {"libc.so.6"}});
}

/* ---- what programs need ------------------------------------------------------------------ */

static void test_closure(void **state)
{
	const uint32_t loaded = 1U << PSC_OP_LOAD | 1U << PSC_OP_OPEN;

	host_elf("/usr/bin/sudo",
		 (struct host_elf){.interpreter = LOADER, .needed = {"liba.so.1", "libc.so.6"}});
	host_elf("/usr/lib/liba.so.1", (struct host_elf){.needed = {"libb.so.2"}});
	host_elf("/usr/lib/libb.so.2", (struct host_elf){.needed = {"liba.so.1"}});
	host_elf("/usr/lib/libc.so.6", (struct host_elf){});
	host_elf("/usr/lib/libother.so.6", (struct host_elf){});
	host_elf("/usr/lib64/ld-linux-x86-64.so.2", (struct host_elf){});
	host_link("/usr/lib64", "/lib64");
	program("/usr/bin/unknown");
	find();
	assert_int_equal(found->count, 5);
	assert_true(get("/usr/bin/sudo")->needed_by == PSC_ESSENTIAL_NONE);
	assert_int_equal(get("/usr/bin/sudo")->ops, loaded | 1U << PSC_OP_EXEC);
	assert_int_equal(get("/usr/bin/sudo")->size, sizeof(struct host_image));
	assert_int_equal(get("/usr/lib/liba.so.1")->ops, loaded);
	assert_needed_by("/usr/lib/liba.so.1", "/usr/bin/sudo");
	assert_needed_by("/usr/lib/libb.so.2", "/usr/lib/liba.so.1");
	assert_needed_by("/usr/lib/libc.so.6", "/usr/bin/sudo");
	assert_needed_by("/usr/lib64/ld-linux-x86-64.so.2", "/usr/bin/sudo");
	/* the directory that was made for the test is of one file system */
	assert_int_equal(found->ground_count, 1);
	assert_string_equal(found->ground[0].path, "/");
}

/* The libraries of every kind of processor, and those that a file names a directory for. */
static void test_library_places(void **state)
{
	static const char *const there[] = {
		"/usr/lib/libc.so.6",
		"/usr/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libc.so.6",
		"/usr/lib/x86_64-linux-gnu/haswell/avx512_1/libc.so.6",
		"/opt/conf/libc.so.6",
		"/opt/included/libc.so.6",
		"/opt/deeper/libc.so.6",
		"/opt/dropin/libc.so.6",
		"/usr/lib/sudo/libc.so.6",
		"/usr/origin/libc.so.6",
		"/opt/x86_64/lib64/libc.so.6",
	};

	host_elf("/usr/bin/sudo", (struct host_elf){.needed = {"libc.so.6"},
						    .runpath = "/usr/lib/sudo:${ORIGIN}/../origin:"
							       "/opt/$PLATFORM/$LIB::relative"});
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		host_elf(there[i], (struct host_elf){});
	host_elf("/opt/elsewhere/libc.so.6", (struct host_elf){});
	host_elf("/opt/comment/libc.so.6", (struct host_elf){});
	host_text("/etc/ld.so.conf",
		  "#/opt/comment\n /opt/conf # yes\ninclude more.d/*.conf\nhwcap 0 nosegneg\n");
	host_text("/etc/more.d/1.conf", "/opt/included=libc6\ninclude /etc/deeper.conf");
	host_text("/etc/more.d/1.conf.bak", "/opt/elsewhere");
	host_text("/etc/deeper.conf", "/opt/deeper\ninclude /etc/deeper.conf\n");
	host_text("/etc/ld.so.conf.d/x.conf", "/opt/dropin\n/opt/missing\n");
	find();
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		assert_found(there[i]);
	assert_int_equal(found->count, 1 + ARRAY_SIZE(there));
}

/* A library that is loaded by an object with DT_RPATH is looked for there, whoever needs it. */
static void test_inherited_rpath(void **state)
{
	host_elf("/usr/sbin/sshd",
		 (struct host_elf){.needed = {"libfirst.so"}, .rpath = "$ORIGIN/../private"});
	host_elf("/usr/lib/libfirst.so", (struct host_elf){.needed = {"libsecond.so"}});
	host_elf("/usr/private/libsecond.so", (struct host_elf){});
	find();
	assert_needed_by("/usr/private/libsecond.so", "/usr/lib/libfirst.so");
}

/* Found though the library was needed before the directory was known. */
static void test_directory_late(void **state)
{
	host_elf("/sbin/init", (struct host_elf){.needed = {"libx.so"}});
	host_elf("/usr/bin/sudo", (struct host_elf){.needed = {"libx.so"}, .runpath = "/opt/x"});
	host_elf("/opt/x/libx.so", (struct host_elf){});
	find();
	assert_found("/opt/x/libx.so");
}

static void test_many_directories(void **state)
{
	char path[64], conf[32 * 600] = "";

	host_elf("/usr/bin/sudo", (struct host_elf){.needed = {"libc.so.6"}});
	host_elf("/usr/lib/libc.so.6", (struct host_elf){});
	for (unsigned int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "/opt/%u/libc.so.6", i);
		host_elf(path, (struct host_elf){});
		snprintf(conf + strlen(conf), sizeof(conf) - strlen(conf), "/opt/%u\n", i);
	}
	host_text("/etc/ld.so.conf", conf);
	find();
	assert_int_equal(found->count, 202);
	found = psc_essential_free(found);

	for (unsigned int i = 200; i < 520; i++) {
		snprintf(path, sizeof(path), "/opt/%u/x", i);
		host_text(path, "");
		snprintf(conf + strlen(conf), sizeof(conf) - strlen(conf), "/opt/%u\n", i);
	}
	host_text("/etc/ld.so.conf", conf);
	refuse(-E2BIG, "/opt/511", "more than 512 directories");
}

static void test_scripts(void **state)
{
	host_script("/usr/bin/dnf", "#!/usr/bin/env -S LC_ALL=C python3 -I\nimport x\n");
	host_script("/usr/bin/yum", "#!/opt/python/bin/python2\n");
	host_script("/usr/sbin/update-rc.d", "#! /usr/bin/perl -w\n");
	host_text("/usr/bin/rpm", "#!/usr/bin/not-executable\n");
	program("/usr/bin/env");
	program("/usr/local/bin/python3");
	program("/opt/python/bin/python2");
	program("/usr/bin/perl");
	find();
	assert_needed_by("/usr/local/bin/python3", "/usr/bin/dnf");
	assert_needed_by("/opt/python/bin/python2", "/usr/bin/yum");
	assert_found("/usr/bin/perl");
	assert_int_equal(get("/usr/bin/yum")->ops, 1U << PSC_OP_EXEC | 1U << PSC_OP_OPEN);
	assert_int_equal(get("/usr/bin/rpm")->ops, 1U << PSC_OP_OPEN);
}

/* ---- login, packages, init ------------------------------------------------------------------ */

static void test_login(void **state)
{
	static const char *const needed[] = {
		"/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
		"/usr/lib64/security/pam_sss.so",
		"/opt/pam/pam_corp.so",
		"/usr/lib/libnss_files.so.2",
		"/usr/lib/libnss_sss.so.2",
		"/usr/libexec/sudo/sudoers.so",
		"/usr/libexec/sudo/group_file.so",
		"/opt/sudo/audit.so",
		"/usr/lib/openssh/sshd-session",
		"/usr/libexec/openssh/sshd-auth",
		"/usr/bin/fish",
		"/usr/bin/zsh",
		"/usr/sbin/unix_chkpwd",
	};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		program(needed[i]);
	program("/usr/lib64/security/pam_unused.so");
	program("/usr/lib/libnss_unused.so.2");
	program("/usr/bin/ash");
	host_text("/etc/pam.d/login", "auth [success=1 default=ignore] pam_unix.so nullok\n"
				      "# auth required pam_unused.so\n"
				      "-session optional /opt/pam/pam_corp.so x\n");
	host_text("/usr/lib/pam.d/other", "auth required \\\n pam_sss.so\n");
	host_text("/etc/nsswitch.conf",
		  "# passwd: unused\npasswd: files [NOTFOUND=return unused] sss\n");
	host_text("/etc/sudo.conf", "Plugin sudoers_policy sudoers.so\n"
				    "Plugin audit /opt/sudo/audit.so arg\n");
	host_text("/etc/shells", "# shells\n/usr/bin/zsh\n");
	host_text("/etc/passwd", "root:x:0:0:root:/root:/usr/bin/fish\n"
				 "x:x:1000:0:x:/:/usr/bin/ash\nbroken:0\n");
	find();
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		assert_found(needed[i]);
	assert_not_found("/usr/lib64/security/pam_unused.so");
	assert_not_found("/usr/lib/libnss_unused.so.2");
	assert_not_found("/usr/bin/ash");
	assert_int_equal(get("/opt/pam/pam_corp.so")->ops & 1U << PSC_OP_EXEC, 0);
}

static void test_repair(void **state)
{
	static const char *const needed[] = {
		"/usr/lib/apt/methods/https",
		"/usr/lib/apt/apt-helper",
		"/usr/bin/dpkg-deb",
		"/usr/lib64/rpm-plugins/selinux.so",
		"/usr/lib64/libdnf.so.2",
		"/usr/lib/systemd/systemd-executor",
		"/usr/lib/systemd/system-generators/systemd-fstab-generator",
		"/usr/bin/kmod",
		"/usr/sbin/update-initramfs",
		"/usr/bin/containerd-shim-runc-v2",
		"/usr/libexec/proscribe/proscribe-identify",
		"/usr/sbin/proscribed",
	};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		program(needed[i]);
	host_link("kmod", "/usr/bin/modprobe");
	program("/usr/lib/systemd/user-generators/x");
	find();
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		assert_found(needed[i]);
	assert_int_equal(found->count, ARRAY_SIZE(needed));
}

/* ---- another host's files ---------------------------------------------------------------------- */

/* Links are that host's own: none leads out of it. */
static void test_links(void **state)
{
	host_link("/usr/bin", "/bin");
	host_link("/../../../../bin/sh", "/usr/bin/su");
	host_link("/usr/bin/loop", "/usr/bin/loop");
	host_link("loop", "/usr/bin/sudo");
	host_link("/nowhere", "/usr/bin/login");
	program("/usr/bin/bash");
	host_link("bash", "/usr/bin/sh");
	find();
	assert_int_equal(found->count, 1);
	assert_found("/usr/bin/bash");
}

static void test_what_is_no_file(void **state)
{
	char path[PATH_MAX];

	host_text("/usr/bin/sudo/x", "");
	host_path("/usr/bin/su", path);
	assert_int_equal(mkfifo(path, 0700), 0);
	host_text("/etc/nsswitch.conf/x", "");
	host_script("/usr/bin/sh", "");
	find();
	assert_int_equal(found->count, 1);
}

static void test_this_host(void **state)
{
	struct psc_error error = {0};
	bool sh = false;
	int r = psc_essential_find("/", &found, &error);

	/* somebody else than root may not look at everything */
	if (r == -EACCES)
		skip();
	if (r < 0)
		print_error("%s: %s\n", error.file, error.message);
	assert_int_equal(r, 0);
	for (size_t i = 0; i < found->count; i++)
		sh = sh || strstr(found->file[i].path, "/libc.so") ||
		     strstr(found->file[i].path, "/ld-");
	assert_true(sh);
}

/* ---- errors ------------------------------------------------------------------------------------- */

static void test_damaged(void **state)
{
	struct host_image image = {.header.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3}};

	host_write("/usr/bin/sudo", &image, sizeof(image), 0755);
	refuse(-EBADMSG, "/usr/bin/sudo", "damaged ELF");
	/* cut short */
	host_write("/usr/bin/sudo", &image, 20, 0755);
	refuse(-EBADMSG, "/usr/bin/sudo", "damaged ELF");
	/* no ELF file at all */
	host_write("/usr/bin/sudo", &image, 3, 0755);
	find();
	assert_int_equal(found->count, 1);
}

static void test_unreadable(void **state)
{
	static char large[(1 << 20) + 1];
	char path[PATH_MAX];

	memset(large, '#', sizeof(large));
	host_write("/etc/pam.d/sshd", large, sizeof(large), 0644);
	refuse(-E2BIG, "/etc/pam.d/sshd", "cannot be read");
	host_text("/etc/pam.d/sshd", "");
	program("/usr/bin/sudo");
	host_path("/usr/bin/sudo", path);
	if (geteuid() != 0) {
		assert_int_equal(chmod(path, 0111), 0);
		refuse(-EACCES, "/usr/bin/sudo", "cannot be read: Permission denied");
	}
	host_path("", path);
	host_end();
	assert_int_equal(psc_essential_find(path, &found, NULL), -ENOENT);
}

/* ---- places -------------------------------------------------------------------------------------- */

static int check_place(const char *place, struct psc_error *error)
{
	const char *const places[] = {"/opt/product", place, NULL};

	*error = (struct psc_error){0};
	return psc_essential_check_places(found, host_root, places, error);
}

static void test_places(void **state)
{
	static const char *const bad[] = {"/usr/lib/security/pam_unix.so",
					  "/usr/lib/security",
					  "/usr/lib/security/",
					  "/lib/security",
					  "/usr/lib/../lib",
					  "/usr",
					  "/",
					  "/opt/link"};
	static const char *const good[] = {"/usr/lib/other", "/usr/lib/security/x", "/nowhere",
					   "/usr/lib/sec", "/usr/lib/security/pam_unix.so/x"};
	struct psc_error error;

	host_elf("/usr/lib/security/pam_unix.so", (struct host_elf){});
	host_text("/usr/lib/other/x", "");
	host_text("/usr/lib/security/x", "");
	host_text("/opt/product/x", "");
	host_link("/usr/lib", "/lib");
	host_link("/lib", "/opt/link");
	host_text("/etc/pam.d/x", "pam_unix.so");
	find();
	assert_int_equal(found->count, 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(check_place(bad[i], &error), -EPERM);
		assert_non_null(strstr(error.message, bad[i]));
		assert_non_null(strstr(error.message, "holds /usr/lib/security/pam_unix.so"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(check_place(good[i], &error), 0);
}

/* ---- words ------------------------------------------------------------------------------------------ */

static int add_word(const char *word, void *data)
{
	char *all = data;

	if (strcmp(word, "stop") == 0)
		return -E2BIG;
	snprintf(all + strlen(all), 256 - strlen(all), "%s;", word);
	return 0;
}

static void test_words(void **state)
{
	static const struct {
		enum psc_words kind;
		const char *text;
		const char *words;
	} table[] = {
		{PSC_WORDS_MODULES, "a b.so\t c.so\\\n.so #d.so\ne.so.1", "b.so;c.so;"},
		{PSC_WORDS_SERVICES, "a: b [x y] c[z]d\r\n:e\nf g\n#h: i", "b;c;d;e;"},
		{PSC_WORDS_SERVICES, "a: b [x\nc: d ] e", "b;d;e;"},
		{PSC_WORDS_DIRECTORIES, "/a:/b, /c=x\nd\ninclude /e\nincluded /f", "/a;/b;/c;/f;"},
		{PSC_WORDS_INCLUDES, "include a b\n include\tc\ninclude\n/d", "a;b;c;"},
		{PSC_WORDS_SHELLS, " /a b\n#/c\nd", "/a;"},
		{PSC_WORDS_ROOT_SHELLS, "#r:x:00:::h:/s\nb:::::x:/b\nc:x:0:::h:\nd:x:0", "/s;"},
	};
	char text[256], all[256];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		snprintf(text, sizeof(text), "%s", table[i].text);
		all[0] = 0;
		assert_int_equal(psc_words_each(table[i].kind, text, add_word, all), 0);
		assert_string_equal(all, table[i].words);
	}
	snprintf(text, sizeof(text), "a: b stop c\nd: e");
	all[0] = 0;
	assert_int_equal(psc_words_each(PSC_WORDS_SERVICES, text, add_word, all), -E2BIG);
	assert_string_equal(all, "b;");
}

static void test_script_lines(void **state)
{
	static const struct {
		const char *text;
		const char *interpreter; /* NULL: none */
		const char *program;
	} table[] = {
		{"#!/bin/sh", "/bin/sh", NULL},
		{"#! \t/bin/sh -e x\n/x", "/bin/sh", NULL},
		{"#!/usr/bin/env python3\n", "/usr/bin/env", "python3"},
		{"#!/usr/bin/env -iS A=b -u C /opt/x y\n", "/usr/bin/env", "/opt/x"},
		{"#!/usr/bin/env -Sx\n", "/usr/bin/env", "x"},
		{"#!/usr/bin/env\nx", "/usr/bin/env", NULL},
		{"#!/bin/sh\r\n", "/bin/sh", NULL},
		{"#!\n", NULL, NULL},
		{"#!", NULL, NULL},
		{" #!/bin/sh\n", NULL, NULL},
	};
	char data[PSC_SCRIPT_LINE_MAX + 1];
	struct psc_script script;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		snprintf(data, sizeof(data), "%s", table[i].text);
		if (!table[i].interpreter) {
			assert_int_equal(psc_script_read(data, strlen(data), &script), -ENOEXEC);
			continue;
		}
		assert_int_equal(psc_script_read(data, strlen(data), &script), 0);
		assert_string_equal(script.interpreter, table[i].interpreter);
		if (table[i].program)
			assert_string_equal(script.program, table[i].program);
		else
			assert_null(script.program);
	}
	/* a name that does not end where the kernel's buffer ends */
	memset(data, 'x', sizeof(data));
	memcpy(data, "#!/", 3);
	assert_int_equal(psc_script_read(data, PSC_SCRIPT_LINE_MAX, &script), -ENOEXEC);
}

#define ON_HOST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_HOST(test_closure),
		ON_HOST(test_library_places),
		ON_HOST(test_inherited_rpath),
		ON_HOST(test_directory_late),
		ON_HOST(test_many_directories),
		ON_HOST(test_scripts),
		ON_HOST(test_login),
		ON_HOST(test_repair),
		ON_HOST(test_links),
		ON_HOST(test_what_is_no_file),
		ON_HOST(test_this_host),
		ON_HOST(test_damaged),
		ON_HOST(test_unreadable),
		ON_HOST(test_places),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_script_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
