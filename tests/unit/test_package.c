/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_package.c - .deb, .rpm and .run: stand-in packages that dpkg-deb, rpmbuild and a shell
 * make, whole, damaged and hostile.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/identify/package.h"
#include "tests/unit/standin.h"

static void identify(const char *name, int (*reader)(int, struct psc_facts *),
		     struct psc_facts *facts)
{
	_cleanup_close_ int fd = standin_open(name);

	psc_facts_clear(facts);
	assert_int_equal(reader(fd, facts), 0);
}

static void expect(const struct psc_facts *facts, enum psc_fact_kind kind, const char *value)
{
	const char *found = psc_facts_get(facts, kind);

	if (!found)
		fail_msg("no %s", psc_fact_to_string(kind));
	assert_string_equal(found, value);
}

static void expect_problem(const struct psc_facts *facts, const char *part)
{
	for (size_t i = 0; i < facts->count; i++) {
		if (facts->fact[i].kind == PSC_FACT_PROBLEM && strstr(facts->fact[i].value, part))
			return;
	}
	fail_msg("no problem says \"%s\"", part);
}

/* ---- deb -------------------------------------------------------------------------- */

static const char make_debs[] = STANDIN_TREE
	"mkdir -p tree/DEBIAN;"
	"printf '%s\\n' 'Package: kesl' 'Version: 12.4.0-1' 'Architecture: amd64'"
	" 'Maintainer: Stand-in <standin@example.invalid>' 'Homepage: https://example.invalid/'"
	" 'Description: stand-in' ' Package: not this one' >tree/DEBIAN/control;"
	"(cd tree && md5sum opt/kaspersky/kesl/bin/kesl) >tree/DEBIAN/md5sums;"
	"for z in gzip xz zstd none; do"
	" dpkg-deb --root-owner-group -Z$z --uniform-compression -b tree $z.deb; done;"
	"rm -r tree/DEBIAN;"
	"head -c 400 gzip.deb >cut.deb;"
	"mkdir ar; cd ar; ar x ../gzip.deb; printf x >control.tar.gz;"
	"ar rc ../nocontrol.deb debian-binary control.tar.gz data.tar.gz;"
	"ar rc ../nodata.deb debian-binary;"
	"printf 'package:  two  \\n\\nVersion: 9\\n' >control; tar -czf control.tar.gz control;"
	"ar rc ../two.deb debian-binary control.tar.gz data.tar.gz; cd ..";

static void test_deb(void **state)
{
	static const char *const names[] = {"gzip.deb", "xz.deb", "zstd.deb", "none.deb"};
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	standin_shell(make_debs);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		identify(names[i], psc_identify_deb, &facts);
		expect(&facts, PSC_FACT_PACKAGE_FORMAT, "deb");
		expect(&facts, PSC_FACT_PACKAGE_NAME, "kesl");
		expect(&facts, PSC_FACT_PACKAGE_VERSION, "12.4.0-1");
		expect(&facts, PSC_FACT_PACKAGE_ARCHITECTURE, "amd64");
		expect(&facts, PSC_FACT_PACKAGE_MAINTAINER, "Stand-in <standin@example.invalid>");
		expect(&facts, PSC_FACT_PACKAGE_URL, "https://example.invalid/");
		assert_int_equal(standin_count(&facts, PSC_FACT_PACKAGE_NAME, NULL), 1);
		assert_int_equal(standin_count(&facts, PSC_FACT_ENTRY, NULL), 3);
		assert_int_equal(
			standin_count(&facts, PSC_FACT_ENTRY, "opt/kaspersky/kesl/bin/kesl"), 1);
		assert_int_equal(standin_count(&facts, PSC_FACT_PROBLEM, NULL), 0);
	}
}

static void test_deb_damaged(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	identify("cut.deb", psc_identify_deb, &facts);
	assert_true(standin_count(&facts, PSC_FACT_PROBLEM, NULL) > 0);
	identify("nocontrol.deb", psc_identify_deb, &facts);
	expect_problem(&facts, "control.tar");
	assert_int_equal(standin_count(&facts, PSC_FACT_ENTRY, NULL), 3);
	identify("nodata.deb", psc_identify_deb, &facts);
	expect_problem(&facts, "control: missing");
	expect_problem(&facts, "data.tar: missing");
	identify("log", psc_identify_deb, &facts);
	expect_problem(&facts, "no archive");
	/* only the first paragraph speaks of the package; dpkg does not mind the case */
	identify("two.deb", psc_identify_deb, &facts);
	expect(&facts, PSC_FACT_PACKAGE_NAME, "two");
	assert_null(psc_facts_get(&facts, PSC_FACT_PACKAGE_VERSION));
}

/* ---- files of packages ------------------------------------------------------------- */

struct given {
	unsigned int count;
	unsigned int digests;
	bool found;
	int result;
};

static int give(const struct psc_package_file *file, void *data)
{
	struct given *given = data;
	char digest[2 * PSC_DIGEST_SIZE + 1];

	given->count++;
	given->digests += file->has_sha256;
	if (strcmp(file->path, "/opt/kaspersky/kesl/bin/kesl") != 0)
		return given->result;
	given->found = true;
	assert_int_equal(file->size, 7);
	assert_int_equal(file->mode, 0100755);
	if (file->has_sha256) {
		psc_hex_encode(file->sha256, PSC_DIGEST_SIZE, digest);
		assert_string_equal(digest, STANDIN_SHA256);
	}
	return given->result;
}

static void files(const char *name, unsigned int count, unsigned int digests)
{
	_cleanup_close_ int fd = standin_open(name);
	struct given given = {0};

	assert_int_equal(psc_package_files(fd, give, &given), 0);
	assert_true(given.found);
	assert_int_equal(given.count, count);
	assert_int_equal(given.digests, digests);
	given.result = -ECANCELED;
	assert_int_equal(psc_package_files(fd, give, &given), -ECANCELED);
}

static void files_fail(const char *name, int error)
{
	_cleanup_close_ int fd = standin_open(name);
	struct given given = {0};

	assert_int_equal(psc_package_files(fd, give, &given), error);
}

/* ---- rpm -------------------------------------------------------------------------- */

static const char make_rpms[] = STANDIN_TREE
	"printf '%s\\n' 'Name: kesl' 'Version: 12.4.0' 'Release: 1' 'Summary: stand-in'"
	" 'License: none' 'Vendor: AO Kaspersky Lab' 'Packager: Stand-in <s@example.invalid>'"
	" 'URL: https://example.invalid/' 'BuildArch: noarch' '%description' 'stand-in'"
	" '%files' '/opt/kaspersky/kesl' '/usr/lib/systemd/system/kesl.service'"
	" '%ghost /var/ghost' >kesl.spec;"
	"build() { name=$1; shift; cp -a tree root-$name;"
	" rpmbuild --quiet -bb --define \"_rpmdir $PWD/out-$name\" --define \"_topdir $PWD/top\""
	" --buildroot \"$PWD/root-$name\" --define '_build_id_links none'"
	" --define '_source_filedigest_algorithm 8' \"$@\" kesl.spec;"
	" mv out-$name/noarch/*.rpm $name.rpm; };"
	"build sha256 --define '_binary_filedigest_algorithm 8' --define '_binary_payload w9.gzdio';"
	"build md5 --define '_binary_filedigest_algorithm 1' --define '_binary_payload w2.xzdio';"
	"head -c 300 sha256.rpm >cut.rpm;"
	/* a header that claims 1 GB */
	"cp sha256.rpm large.rpm;"
	"printf '\\100\\0\\0\\0' | dd of=large.rpm bs=1 seek=108 conv=notrunc;"
	"cp sha256.rpm second.rpm;"
	"export LC_ALL=C; at=$(grep -aboP '\\x8e\\xad\\xe8\\x01' sha256.rpm | cut -d: -f1 | sed -n 2p);"
	"printf '\\001\\0\\0\\0' | dd of=second.rpm bs=1 seek=$((at + 12)) conv=notrunc;";

static void test_rpm(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	standin_shell(make_rpms);
	if (!psc_package_rpm_covered()) {
		/* said aloud */
		identify("sha256.rpm", psc_identify_rpm, &facts);
		expect_problem(&facts, "rpm: not covered");
		files_fail("sha256.rpm", -ENOTSUP);
		skip();
	}
	identify("sha256.rpm", psc_identify_rpm, &facts);
	expect(&facts, PSC_FACT_PACKAGE_FORMAT, "rpm");
	expect(&facts, PSC_FACT_PACKAGE_NAME, "kesl");
	expect(&facts, PSC_FACT_PACKAGE_VERSION, "12.4.0-1");
	expect(&facts, PSC_FACT_PACKAGE_ARCHITECTURE, "noarch");
	expect(&facts, PSC_FACT_PACKAGE_VENDOR, "AO Kaspersky Lab");
	expect(&facts, PSC_FACT_PACKAGE_MAINTAINER, "Stand-in <s@example.invalid>");
	expect(&facts, PSC_FACT_PACKAGE_URL, "https://example.invalid/");
	assert_int_equal(standin_count(&facts, PSC_FACT_ENTRY, "opt/kaspersky/kesl/bin/kesl"), 1);
	assert_int_equal(standin_count(&facts, PSC_FACT_PROBLEM, NULL), 0);
	assert_int_equal(standin_count(&facts, PSC_FACT_PACKAGE_KEY, NULL), 0);
}

static void test_rpm_damaged(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	if (!psc_package_rpm_covered())
		skip();
	identify("cut.rpm", psc_identify_rpm, &facts);
	expect_problem(&facts, "rpm: ");
	identify("large.rpm", psc_identify_rpm, &facts);
	expect_problem(&facts, "larger headers than are read");
	identify("second.rpm", psc_identify_rpm, &facts);
	expect_problem(&facts, "larger headers than are read");
	identify("log", psc_identify_rpm, &facts);
	expect_problem(&facts, "rpm: ");
}

static void test_files(void **state)
{
	files("gzip.deb", 2, 2);
	files("zstd.deb", 2, 2);
	files_fail("cut.deb", -EBADMSG);
	files_fail("nodata.deb", -EBADMSG);
	files_fail("log", -ENOEXEC);
	if (!psc_package_rpm_covered())
		skip();
	files("sha256.rpm", 2, 2);
	files("md5.rpm", 2, 0);
	files_fail("cut.rpm", -EBADMSG);
}

/* ---- run ---------------------------------------------------------------------------- */

static const char make_runs[] = STANDIN_TREE
	"tar -C tree -cf tree.tar opt; gzip -k tree.tar; xz -k tree.tar; zstd -q tree.tar;"
	"script() { printf '#!/bin/sh\\n# stand-in\\nlabel=\"%s\"\\nexit 0\\n' \"$1\"; };"
	"for z in '' .gz .xz .zst; do"
	" { script 'Kaspersky stand-in'; cat tree.tar$z; } >self$z.run; done;"
	"{ script x; printf 'Salted__12345678abcdefgh'; } >salted.run;"
	/* lines that begin like an archive and are none */
	"{ script x; printf 'PK\\003\\004\\n\\037\\213\\010\\n'; cat tree.tar.gz; } >decoy.run;"
	"{ script x; head -c 60 tree.tar.gz; } >cut.run;"
	"script x >only.run";

static void test_run(void **state)
{
	static const char *const names[] = {"self.run", "self.gz.run", "self.xz.run",
					    "self.zst.run"};
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	standin_shell(make_runs);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		identify(names[i], psc_identify_run, &facts);
		expect(&facts, PSC_FACT_ARCHIVE_LABEL, "Kaspersky stand-in");
		assert_int_equal(
			standin_count(&facts, PSC_FACT_ENTRY, "opt/kaspersky/kesl/bin/kesl"), 1);
		expect(&facts, PSC_FACT_ARCHIVE_OFFSET, "55");
		assert_int_equal(standin_count(&facts, PSC_FACT_ENTRY, NULL), 2);
		assert_int_equal(standin_count(&facts, PSC_FACT_PROBLEM, NULL), 0);
	}
}

static void test_run_odd(void **state)
{
	_cleanup_(psc_facts_clear) struct psc_facts facts = {0};

	identify("salted.run", psc_identify_run, &facts);
	expect_problem(&facts, "encrypted");
	expect(&facts, PSC_FACT_ARCHIVE_OFFSET, "38");
	identify("decoy.run", psc_identify_run, &facts);
	assert_int_equal(standin_count(&facts, PSC_FACT_ENTRY, "opt/kaspersky/kesl/bin/kesl"), 1);
	identify("only.run", psc_identify_run, &facts);
	assert_int_equal(facts.count, 0);
	identify("tree.tar", psc_identify_run, &facts);
	assert_int_equal(facts.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deb),	cmocka_unit_test(test_deb_damaged),
		cmocka_unit_test(test_rpm),	cmocka_unit_test(test_rpm_damaged),
		cmocka_unit_test(test_files),	cmocka_unit_test(test_run),
		cmocka_unit_test(test_run_odd),
	};

	return cmocka_run_group_tests(tests, standin_setup, standin_teardown);
}
