/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_evidence.c - since when a product is there: logs of every kind, rotated and damaged ones,
 * records, directories, statements. Names are those of stand-ins.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/timefmt.h"
#include "user/identify/package.h"
#include "user/scan/evidence.h"
#include "tests/unit/standin.h"

static const char *const packages[] = {"kesl", NULL};
static const char *const directories[] = {"/opt/kaspersky/kesl", "/nowhere", NULL};

static struct psc_evidence collect(const struct psc_objects *objects)
{
	struct psc_evidence_query query = {.root = standin_directory,
					   .packages = packages,
					   .directories = directories,
					   .objects = objects,
					   .product = "kaspersky/kesl"};
	struct psc_evidence evidence = {0};

	assert_int_equal(psc_evidence_collect(&query, &evidence), 0);
	return evidence;
}

static void check(const struct psc_evidence *evidence, size_t i, enum psc_evidence_kind kind,
		  const char *time, const char *source)
{
	char text[PSC_TIME_TEXT_MAX];

	assert_true(i < evidence->count);
	assert_int_equal(evidence->item[i].kind, kind);
	assert_string_equal(psc_time_format_seconds(evidence->item[i].time, text), time);
	assert_string_equal(evidence->item[i].source, source);
}

/* A root without anything, but for what @script puts into it; NULL: nothing. */
static void begin(const char *script)
{
	standin_shell("rm -rf var opt; mkdir -p var/log/apt var/lib/dpkg/info opt/kaspersky");
	if (script)
		standin_shell(script);
}

static struct psc_evidence collect_from(const char *script)
{
	begin(script);
	return collect(NULL);
}

static void test_nothing(void **state)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};

	evidence = collect_from(NULL);
	assert_int_equal(evidence.count, 0);
	assert_null(evidence.unread);
}

static void test_dpkg_log(void **state)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};

	evidence = collect_from(
		"cd var/log; printf '2024-08-01 10:00:00 upgrade kesl:amd64 11 12\\n"
		"2024-08-01 10:00:01 status half-installed kesl:amd64 12\\n"
		"2024-08-01 10:00:02 install kesl-gui:amd64 <none> 12\\n"
		"2024-08-01 10:00:03 remove kesl:amd64 12 <none>\\n"
		"rubbish\\n9999999-01-01 00:00:00 install kesl:amd64 a b\\n' >dpkg.log;"
		"printf '2024-05-02 12:34:56 install kesl:amd64 <none> 11\\n' | gzip >dpkg.log.2.gz;"
		"printf '2020-01-01 00:00:00 install kesl:amd64 <none> 11\\n' >dpkg.logbook");
	assert_int_equal(evidence.count, 2);
	check(&evidence, 0, PSC_EVIDENCE_DPKG_LOG, "2024-05-02T12:34:56Z",
	      "/var/log/dpkg.log.2.gz:1");
	check(&evidence, 1, PSC_EVIDENCE_DPKG_LOG, "2024-08-01T10:00:00Z", "/var/log/dpkg.log:1");
	assert_int_equal(evidence.item[0].weight, PSC_EVIDENCE_STRONG);
	assert_string_equal(evidence.item[0].text,
			    "2024-05-02 12:34:56 install kesl:amd64 <none> 11");
}

static void test_apt_history(void **state)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};

	evidence = collect_from(
		"printf '\\nStart-Date: 2024-05-02  12:00:00\\nCommandline: apt install kesl\\n"
		"Install: libx:amd64 (1, automatic), kesl:amd64 (12.0)\\n"
		"End-Date: 2024-05-02  12:00:09\\n\\n"
		"Start-Date: 2024-06-02  12:00:00\\nInstall: kesl-gui:amd64 (1)\\n' "
		">var/log/apt/history.log");
	assert_int_equal(evidence.count, 1);
	check(&evidence, 0, PSC_EVIDENCE_APT_HISTORY, "2024-05-02T12:00:00Z",
	      "/var/log/apt/history.log:4");
	assert_string_equal(evidence.item[0].text, "Install kesl:amd64 (12.0)");
}

static void test_rpm_logs(void **state)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};

	evidence = collect_from(
		"cd var/log; printf '2024-05-02T12:00:00+0200 SUBDEBUG Installed: "
		"kesl-12.0.0-1.x86_64\\n2024-05-02T12:00:00+0200 SUBDEBUG Installed: "
		"kesl-gui-12.0.0-1.x86_64\\n' >dnf.rpm.log;"
		"printf 'Dec 31 23:00:00 Installed: kesl-11.0-1.x86_64\\n' >yum.log-2024;"
		"touch -d '2024-01-05 00:00:00' yum.log-2024");
	assert_int_equal(evidence.count, 2);
	check(&evidence, 0, PSC_EVIDENCE_YUM_LOG, "2023-12-31T23:00:00Z",
	      "/var/log/yum.log-2024:1");
	assert_int_equal(evidence.item[0].weight, PSC_EVIDENCE_MEDIUM);
	check(&evidence, 1, PSC_EVIDENCE_DNF_LOG, "2024-05-02T10:00:00Z", "/var/log/dnf.rpm.log:1");
}

static void test_records(void **state)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};

	evidence = collect_from("touch -d '2024-07-01 00:00:00' var/lib/dpkg/info/kesl:amd64.list;"
				"mkdir opt/kaspersky/kesl");
	assert_true(evidence.count >= 1);
	check(&evidence, 0, PSC_EVIDENCE_DPKG_INFO, "2024-07-01T00:00:00Z",
	      "/var/lib/dpkg/info/kesl:amd64.list");
	/* not every file system knows when a directory was made */
	if (evidence.count > 1) {
		assert_int_equal(evidence.item[1].kind, PSC_EVIDENCE_BIRTH);
		assert_int_equal(evidence.item[1].weight, PSC_EVIDENCE_WEAK);
		assert_true(psc_time_now() - evidence.item[1].time < 3600 * PSC_NSEC_PER_SEC);
	}
}

static void test_rpm_record(void **state)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};

	if (!psc_package_rpm_covered())
		skip();
	evidence = collect_from(
		"rm -rf rpm && mkdir -p rpm var/lib/rpm && cd rpm && printf 'Name: kesl\\n"
		"Version: 12.0\\nRelease: 1\\nSummary: stand-in\\nLicense: x\\n"
		"BuildArch: noarch\\n%%description\\nx\\n%%files\\n' >kesl.spec &&"
		"rpmbuild --quiet -bb --define \"_rpmdir $PWD\" --define \"_topdir $PWD/top\""
		" kesl.spec && rpm --dbpath \"$PWD/../var/lib/rpm\" -i --justdb --nodeps"
		" noarch/kesl*.rpm");
	assert_int_equal(evidence.count, 1);
	assert_int_equal(evidence.item[0].kind, PSC_EVIDENCE_RPM_RECORD);
	assert_string_equal(evidence.item[0].source, "/var/lib/rpm/rpmdb.sqlite");
	assert_string_equal(evidence.item[0].text, "kesl-12.0-1.noarch was installed");
	assert_true(psc_time_now() - evidence.item[0].time < 3600 * PSC_NSEC_PER_SEC);
}

static void test_statement(void **state)
{
	static char *products[] = {"kaspersky/kesl", NULL}, *others[] = {"kaspersky/kuma", NULL};
	struct psc_object mine = {.kind = PSC_OBJECT_DECISION,
				  .id = "d-1",
				  .reason = "was there",
				  .by = "the CISO",
				  .document = "",
				  .products = products,
				  .from = 1714600000 * PSC_NSEC_PER_SEC};
	struct psc_object other = mine;
	struct psc_object *items[] = {&mine, &other};
	struct psc_objects objects = {.item = items, .count = 2};
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};

	begin(NULL);
	other.products = others;
	evidence = collect(&objects);
	assert_int_equal(evidence.count, 1);
	check(&evidence, 0, PSC_EVIDENCE_STATEMENT, "2024-05-01T21:46:40Z", "decision d-1");
	assert_string_equal(evidence.item[0].text, "was there, signed by the CISO");
}

static void test_unread(void **state)
{
	_cleanup_(psc_evidence_clear) struct psc_evidence evidence = {0};

	evidence = collect_from(
		"cd var/log; { seq 9000; echo '2024-05-02 12:34:56 install kesl:amd64 a b'; } |"
		" gzip | head -c 900 >dpkg.log.1.gz; : | xz >dpkg.log.3.xz;"
		"ln -s dpkg.log.1.gz dpkg.log.2");
	assert_int_equal(evidence.count, 0);
	assert_int_equal(evidence.unread_count, 3);
}

static int setup(void **state)
{
	setenv("TZ", "UTC0", 1);
	return standin_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),	    cmocka_unit_test(test_dpkg_log),
		cmocka_unit_test(test_apt_history), cmocka_unit_test(test_rpm_logs),
		cmocka_unit_test(test_records),	    cmocka_unit_test(test_rpm_record),
		cmocka_unit_test(test_statement),   cmocka_unit_test(test_unread),
	};

	return cmocka_run_group_tests(tests, setup, standin_teardown);
}
