/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_rpm_packages.c - rpm databases as the daemon's resolver reads them: made by rpm, read by the
 * real process, damaged ones, streams that nobody should have written, and processes
 * that hang, fail or never end.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/core/hex.h"
#include "user/daemon/resolver_internal.h"
#include "user/identify/package.h"
#include "user/scan/owner.h"
#include "tests/unit/standin.h"

static char program[300];
static struct psc_resolver_queue queue;

void psc_resolver_look_late(struct psc_resolver_thread *t, const struct psc_resolver_job *job)
{
}

static void *no_thread(void *data)
{
	return NULL;
}

static int set_up(void **state)
{
	queue.event_fd = -1;
	return standin_setup(state) ?: psc_resolver_queue_start(&queue, no_thread);
}

static int tear_down(void **state)
{
	psc_resolver_queue_end(&queue, 1000);
	return standin_teardown(state);
}

static int run(const char *const *arguments, struct psc_rpm_packages *ret)
{
	struct psc_resolver_thread t = {.queue = &queue};

	return psc_resolver_rpm_read(&t, arguments[0], arguments, ret);
}

/* ---- the stream ----------------------------------------------------------------------- */

static const char other[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static void test_parse(void **state)
{
	static const struct {
		const char *text; /* ! is NUL */
		int expected;
	} streams[] = {
		{"$!", 0},
		{"P/a!Fpackage_name=x!.!$!", 0},
		{"", -ENODATA},
		{"$", -ENODATA},
		{"Fpackage_name=x!.!", -ENODATA},
		{"P/a!$!", -EPROTO},
		{".!$!", -EPROTO},
		{"Pa!Fpackage_name=x!.!$!", -EPROTO},
		{"Fpath=/bin/sh!.!$!", -EPROTO},
		{"Fforeign_owner=kaspersky!.!$!", -EPROTO},
		{"Fnonsense=x!.!$!", -EPROTO},
		{"Fpackage_name!.!$!", -EPROTO},
		{"D00!$!", -EPROTO},
		{"?!$!", -EPROTO},
		{"$!$!", -EPROTO},
		{"$x!", -EPROTO},
	};

	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		struct psc_rpm_packages packages = {0};
		char *text = strdup(streams[i].text);
		size_t size = strlen(text);
		int r;

		for (size_t k = 0; k < size; k++)
			text[k] = text[k] == '!' ? 0 : text[k];
		r = psc_rpm_packages_parse(text, size, &packages);
		if (r != streams[i].expected)
			fail_msg("%s: %d, not %d", streams[i].text, r, streams[i].expected);
		psc_rpm_packages_clear(&packages);
		free(text);
	}
}

static void test_digests(void **state)
{
	struct psc_rpm_packages packages;
	uint8_t digest[PSC_DIGEST_SIZE];
	char text[256];
	int size = snprintf(text, sizeof(text), "D%s%cD%.62sff%c$%c", other, 0, other, 0, 0);

	assert_int_equal(psc_rpm_packages_parse(text, (size_t)size, &packages), 0);
	assert_int_equal(packages.others, 2);
	assert_int_equal(psc_hex_decode(other, 64, digest, sizeof(digest), NULL), 0);
	assert_true(psc_rpm_packages_has(&packages, digest));
	digest[0] ^= 1;
	assert_false(psc_rpm_packages_has(&packages, digest));
	psc_rpm_packages_clear(&packages);
}

/* ---- real databases --------------------------------------------------------------------- */

#define SPEC(name, vendor, file)                                                                   \
	"printf '%s\\n' 'Name: " name "' 'Version: 1' 'Release: 1' 'Summary: s' 'License: x'"      \
	" 'Vendor: " vendor "' 'BuildArch: noarch' '%description' 's' '%files' '" file "' >" name  \
	".spec;"                                                                                   \
	"rpmbuild --quiet -bb --define '_source_filedigest_algorithm 8'"                           \
	" --define '_binary_filedigest_algorithm 8' --define \"_rpmdir $PWD/out\""                 \
	" --define \"_topdir $PWD/top\" --buildroot \"$PWD/br-" name "\" " name ".spec || exit;"

#define TREE(name, file)                                                                           \
	"mkdir -p $(dirname br-" name file ") && echo " name " >br-" name file " || exit;"

static const char make_packages[] = "set -e; rm -rf out;" TREE(
	"kesl", "/opt/kaspersky/kesl/bin/kesl") TREE("mailgate", "/opt/mailgate/av.ppl")
	TREE("base", "/usr/lib/libbase.so.1") "cp -a br-kesl kept-kesl; cp -a br-mailgate kept-mailgate; cp -a br-base kept-base;" SPEC(
		"kesl", "AO Kaspersky Lab", "/opt/kaspersky")
		SPEC("mailgate", "Somebody", "/opt/mailgate") SPEC("base", "Somebody", "/usr/lib");

static void make_database(const char *where)
{
	char script[1024];

	snprintf(script, sizeof(script),
		 "rm -rf root && mkdir -p root%s && rpm --dbpath \"$PWD/root%s\" -i --justdb"
		 " --nodeps out/noarch/*.rpm",
		 where, where);
	standin_shell(script);
}

static int read_root(struct psc_rpm_packages *ret)
{
	char root[128];
	const char *arguments[] = {program, "--catalog", "policy/catalog",	 "--rpm-packages",
				   root,    "--",	 "/opt/mailgate/av.ppl", NULL};

	snprintf(root, sizeof(root), "%s/root", standin_directory);
	return run(arguments, ret);
}

static void check_packages(void)
{
	struct psc_rpm_packages packages;
	const struct psc_rpm_package *owner;
	uint8_t digest[PSC_DIGEST_SIZE];

	assert_int_equal(read_root(&packages), 0);
	if (packages.problem)
		fail_msg("%s", packages.problem);
	assert_int_equal(packages.count, 2);
	for (size_t i = 0; i < packages.count; i++) {
		const struct psc_rpm_package *package = &packages.package[i];
		bool known =
			strcmp(psc_facts_get(&package->facts, PSC_FACT_PACKAGE_NAME), "kesl") == 0;

		assert_int_equal(package->paths, known);
		assert_int_equal(package->askeds, !known);
		if (known)
			assert_string_equal(package->path[0], "/opt/kaspersky/kesl/bin/kesl");
	}
	owner = psc_rpm_packages_owner(&packages, "/opt/mailgate/av.ppl");
	assert_non_null(owner);
	assert_string_equal(psc_facts_get(&owner->facts, PSC_FACT_PACKAGE_VENDOR), "Somebody");
	assert_null(psc_rpm_packages_owner(&packages, "/opt/kaspersky/kesl/bin/kesl"));
	/* only what lies where distributions install: "base" and a line feed */
	assert_int_equal(packages.others, 1);
	assert_int_equal(psc_digest_buffer("base\n", 5, digest), 0);
	assert_true(psc_rpm_packages_has(&packages, digest));
	psc_rpm_packages_clear(&packages);
	standin_shell("! ls -d /dev/shm/proscribe-rpm-* /tmp/proscribe-rpm-* 2>/dev/null");
}

static void test_databases(void **state)
{
	struct psc_facts facts = {0};
	char root[128];

	if (!psc_package_rpm_covered())
		skip();
	standin_shell(make_packages);
	make_database("/var/lib/rpm");
	check_packages();
	make_database("/usr/lib/sysimage/rpm");
	check_packages();
	snprintf(root, sizeof(root), "%s/root", standin_directory);
	assert_int_equal(psc_owner_find_rpm(root, "/opt/mailgate/av.ppl", &facts), 1);
	assert_string_equal(psc_facts_get(&facts, PSC_FACT_PACKAGE_NAME), "mailgate");
	assert_int_equal(psc_owner_find_rpm(root, "/opt/mailgate", &facts), 0);
	psc_facts_clear(&facts);
}

/* Whatever is there: an answer that says so, and nothing is left behind. */
static void test_damaged(void **state)
{
	static const char *const damages[] = {
		"echo rubbish >$d/rpmdb.sqlite",
		"rm -f $d/rpmdb.sqlite-*; head -c 5000 $d/rpmdb.sqlite >x; cp x $d/rpmdb.sqlite",
		"rm -f $d/*-*; dd if=/dev/urandom of=$d/rpmdb.sqlite bs=4k seek=1 conv=notrunc count=8",
		": >$d/rpmdb.sqlite",
		"rm $d/*; dd if=/dev/urandom of=$d/Packages.db bs=4096 count=8",
		"rm $d/*; dd if=/dev/urandom of=$d/Packages bs=4096 count=8",
		"rm $d/*; truncate -s 2G $d/Packages",
	};
	struct psc_rpm_packages packages;
	char script[512];

	if (!psc_package_rpm_covered())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		int r;

		make_database("/var/lib/rpm");
		snprintf(script, sizeof(script), "d=root/var/lib/rpm; %s", damages[i]);
		standin_shell(script);
		r = read_root(&packages);
		if (r == -ECHILD)
			continue; /* librpm may end its process */
		if (r < 0 || !packages.problem)
			fail_msg("%s: %d and no problem", damages[i], r);
		psc_rpm_packages_clear(&packages);
	}
	standin_shell("! ls -d /dev/shm/proscribe-rpm-* /tmp/proscribe-rpm-* 2>/dev/null");
}

/* ---- processes ---------------------------------------------------------------------------- */

static int run_shell(const char *script)
{
	const char *arguments[] = {"/bin/sh", "-c", script, NULL};
	struct psc_rpm_packages packages = {0};
	int r = run(arguments, &packages);

	psc_rpm_packages_clear(&packages);
	return r;
}

static void test_processes(void **state)
{
	const char *none[] = {"/nonexistent", NULL};
	struct psc_rpm_packages packages;

	assert_int_equal(run_shell("printf '$\\0'"), 0);
	assert_int_equal(run_shell("printf '$\\0'; exit 1"), -ECHILD);
	assert_int_equal(run_shell("printf '$\\0'; kill -SEGV $$"), -ECHILD);
	assert_int_equal(run_shell("echo rubbish"), -ENODATA);
	assert_int_equal(run_shell("exec yes"), -E2BIG);
	assert_int_equal(run(none, &packages), -ENOENT);
	/* the daemon ends: nobody waits for what hangs */
	pthread_mutex_lock(&queue.lock);
	queue.ending = true;
	pthread_mutex_unlock(&queue.lock);
	assert_int_equal(run_shell("exec sleep 600"), -ECANCELED);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	  cmocka_unit_test(test_digests),
		cmocka_unit_test(test_databases), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_processes), /* the last: it ends the queue */
	};

	snprintf(program, sizeof(program), "%.*s/../../proscribe-identify",
		 (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
