/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_scan.c - scans of a root that the test makes, with the shipped catalog. Its products are
 * stand-ins: names and places as documented, nothing of the vendor's.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "user/core/util.h"
#include "user/core/digest.h"
#include "user/core/hex.h"
#include "user/identify/package.h"
#include "user/scan/internal.h"
#include "user/scan/scan.h"
#include "tests/unit/standin.h"

#define CATALOG "policy/catalog"

static struct psc_catalog catalog;
static struct psc_indicators *indicators;

/* Run from the root: its /bin is ours. */
static const char base_script[] =
	"rm -rf root && mkdir root && cd root\n"
	"mkdir -p etc usr/bin usr/lib/systemd/system var/lib/dpkg/info\n"
	"echo root:x:0:0::/root:/bin/sh >etc/passwd\n"
	"echo root:x:0: >etc/group\n"
	"cp /bin/true usr/bin/true\n"
	"printf 'Package: base-files\\nStatus: install ok installed\\nVersion: 12\\n"
	"Maintainer: Somebody <a@b.example>\\nDescription: base\\n more of it\\n\\n'"
	" >var/lib/dpkg/status\n"
	"test -f ../engine.so || { echo 'const char k[] = \"KL_PLUGINS_PATH\";"
	" const char *get(void) { return k; }' >../engine.c &&"
	" cc -shared -fPIC -o ../engine.so ../engine.c; }\n";

static const char kesl_script[] =
	"cd root\n"
	"d=var/opt/kaspersky/kesl/install_12.0.0.1/opt/kaspersky/kesl\n"
	"mkdir -p $d/libexec opt/kaspersky && cp /bin/true $d/libexec/kesl\n"
	"ln -s /$d opt/kaspersky/kesl\n"
	"printf 'Package: kesl\\nStatus: install ok installed\\nVersion: 12.0.0-1\\n\\n'"
	" >>var/lib/dpkg/status\n"
	"printf '[Service]\\nExecStart=/opt/kaspersky/kesl/libexec/kesl\\n'"
	" >usr/lib/systemd/system/kesl.service\n"
	"echo kesladmin:x:900: >>etc/group\n"
	"echo /$d/libexec/kesl >var/lib/dpkg/info/kesl.list\n";

static int group_setup(void **state)
{
	struct psc_error error;
	int r = standin_setup(state);

	if (r == 0)
		r = psc_indicators_new(&indicators);
	if (r == 0)
		r = psc_catalog_load(&catalog, CATALOG, &error);
	return r == 0 ? psc_indicators_load(indicators, &catalog, CATALOG, &error) : r;
}

static int group_teardown(void **state)
{
	psc_indicators_freep(&indicators);
	psc_catalog_clear(&catalog);
	return standin_teardown(state);
}

static struct psc_scan *scan_list(enum psc_scan_target target, const char *name,
				  const struct psc_list *list)
{
	struct psc_scan_options options = {
		.catalog = &catalog, .indicators = indicators, .list = list, .threads = 2};
	struct psc_scan *scan;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", standin_directory, name);
	assert_int_equal(psc_scan_new(&options, &scan), 0);
	assert_int_equal(psc_scan_add(scan, target, path), 0);
	assert_int_equal(psc_scan_run(scan), 0);
	return scan;
}

static struct psc_scan *scan_root(void)
{
	return scan_list(PSC_SCAN_ROOT, "root", NULL);
}

/* The base with what @more adds to it; NULL: nothing. */
static struct psc_scan *scan_base(const char *more)
{
	standin_shell(base_script);
	if (more)
		standin_shell(more);
	return scan_root();
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

static const struct psc_finding *find(const struct psc_scan *scan, enum psc_thing thing,
				      const char *product, const char *end)
{
	const struct psc_scan_result *result = psc_scan_result(scan);

	for (size_t i = 0; i < result->findings; i++) {
		const struct psc_finding *finding = &result->finding[i];

		if (finding->thing == thing && strcmp(finding->product, product) == 0 &&
		    ends_with(finding->where, end))
			return finding;
	}
	return NULL;
}

/* Whether anything of the kind tells of the product. */
static bool told_by(const struct psc_scan *scan, const char *product, enum psc_thing thing)
{
	return find(scan, thing, product, "") != NULL;
}

static bool has_rule(const struct psc_finding *finding, const char *id)
{
	for (size_t i = 0; i < finding->rules; i++) {
		if (strcmp(finding->rule[i]->id, id) == 0)
			return true;
	}
	return false;
}

/* It is there, and by these rules; NULL ends them. */
static const struct psc_finding *found_by(const struct psc_scan *scan, enum psc_thing thing,
					  const char *product, const char *end,
					  const char *const *rules)
{
	const struct psc_finding *finding = find(scan, thing, product, end);

	if (!finding)
		fail_msg("nothing of %s at ...%s", product, end);
	for (; *rules; rules++) {
		if (!has_rule(finding, *rules))
			fail_msg("%s is not by %s", finding->where, *rules);
	}
	return finding;
}

#define FOUND_BY(scan, thing, product, end, ...)                                                   \
	found_by(scan, thing, product, end, (const char *const[]){__VA_ARGS__, NULL})

static const struct psc_gap *gap(const struct psc_scan *scan, const char *words)
{
	const struct psc_scan_result *result = psc_scan_result(scan);

	for (size_t i = 0; i < result->gaps; i++) {
		if (strstr(result->gap[i].reason, words))
			return &result->gap[i];
	}
	return NULL;
}

/* ---- what is found ----------------------------------------------------------------- */

static void test_nil(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	const struct psc_scan_result *result;

	scan = scan_base(NULL);
	result = psc_scan_result(scan);
	assert_int_equal(result->findings, 0);
	assert_true(result->complete);
	assert_int_equal(result->counts.files, 4);
	assert_int_equal(result->counts.examined, 4);
	assert_int_equal(result->counts.directories, 11);
	assert_int_equal(result->counts.packages, 1);
	assert_int_equal(result->counts.accounts, 2);
	assert_int_equal(result->scopes, 1);
}

static void test_kesl(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	const struct psc_finding *finding;

	scan = scan_base(kesl_script);
	finding = FOUND_BY(scan, PSC_THING_FILE, "kaspersky/kesl", "/libexec/kesl",
			   "kaspersky/kesl-var", "kaspersky/kesl-libexec-installed");
	assert_int_equal(finding->confidence, PSC_CONFIDENCE_HIGH);
	assert_string_equal(finding->owner, "kesl");
	assert_true(told_by(scan, "kaspersky/kesl", PSC_THING_LINK));
	finding = find(scan, PSC_THING_PACKAGE, "kaspersky/kesl", "/status");
	assert_non_null(finding);
	assert_string_equal(finding->detail, "kesl 12.0.0-1");
	assert_true(told_by(scan, "kaspersky/kesl", PSC_THING_UNIT));
	assert_true(told_by(scan, "kaspersky/kesl", PSC_THING_GROUP));
}

/* One indicator after the other is gone: the rest tell, and none claims what is not there. */
static void test_one_removed(void **state)
{
	static const struct {
		const char *script;
		enum psc_thing gone;
	} rows[] = {
		{"rm -r root/var/opt/kaspersky", PSC_THING_FILE},
		{"rm root/opt/kaspersky/kesl", PSC_THING_LINK},
		{"sed -i '/^Package: kesl$/,$d' root/var/lib/dpkg/status", PSC_THING_PACKAGE},
		{"rm root/usr/lib/systemd/system/kesl.service", PSC_THING_UNIT},
		{"sed -i /kesl/d root/etc/group", PSC_THING_GROUP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;

		standin_shell(base_script);
		standin_shell(kesl_script);
		standin_shell(rows[i].script);
		scan = scan_root();
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
			assert_int_equal(told_by(scan, "kaspersky/kesl", rows[k].gone), k != i);
	}
}

static void test_unit_elsewhere(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;

	scan = scan_base("printf '[Service]\\nEnvironment=\"A=b\" KL_PLUGINS_PATH=/x\\n"
			 "ExecStart=-/bin/sh -c \"exec /opt/kaspersky/kesl/libexec/kesl\"\\n'"
			 " >root/usr/lib/systemd/system/renamed.service");
	FOUND_BY(scan, PSC_THING_UNIT, "kaspersky/kesl", "/renamed.service",
		 "kaspersky/kesl-libexec", "kaspersky/engine-environment");
}

/* One vendor, one directory, two products that orders regard differently. */
static void test_exempt_beside_covered(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;

	scan = scan_base(
		"cd root && mkdir -p opt/kaspersky/ktfs/bin opt/kaspersky/ScanEngine/ppl &&"
		"cp /bin/true opt/kaspersky/ktfs/bin/cybertrace &&"
		"cp ../engine.so opt/kaspersky/ScanEngine/ppl/core.ppl");
	assert_non_null(find(scan, PSC_THING_FILE, "kaspersky/cybertrace", "/cybertrace"));
	assert_null(find(scan, PSC_THING_FILE, "kaspersky/scanengine", "/cybertrace"));
	FOUND_BY(scan, PSC_THING_FILE, "kaspersky/kavsdk", "/core.ppl",
		 "kaspersky/scanengine-place");
	assert_true(told_by(scan, "kaspersky/scanengine", PSC_THING_DIRECTORY));
}

static void test_engine_of_another_vendor(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	const struct psc_finding *finding;

	scan = scan_base("cd root && mkdir -p opt/mailgate/lib &&"
			 "cp ../engine.so opt/mailgate/lib/engine.ppl &&"
			 "echo /opt/mailgate/lib/engine.ppl >var/lib/dpkg/info/mailgate.list");
	finding = FOUND_BY(scan, PSC_THING_FILE, "kaspersky/kavsdk", "/engine.ppl",
			   "kaspersky/engine-plugin", "kaspersky/engine-loader");
	assert_string_equal(finding->owner, "mailgate");
	assert_string_equal(psc_facts_get(&finding->facts, PSC_FACT_MARKER), "KL_PLUGINS_PATH");
}

static void test_digest(void **state)
{
	static const char content[] = "content that is listed\n";
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	_cleanup_(psc_list_freep) struct psc_list *list = NULL;
	uint8_t digest[PSC_DIGEST_SIZE];
	struct psc_list_entry entry = {.algo = PSC_ALGO_SHA256,
				       .digest = digest,
				       .digest_size = sizeof(digest),
				       .has_size = true,
				       .size = sizeof(content) - 1,
				       .name = "listed",
				       .product = "kaspersky/kuma/installer"};
	const struct psc_finding *finding;

	standin_shell(base_script);
	standin_shell("printf 'content that is listed\\n' >root/usr/a;"
		      "printf 'content that is lisTed\\n' >root/usr/b");
	assert_int_equal(psc_digest_buffer(content, sizeof(content) - 1, digest), 0);
	assert_int_equal(psc_list_new(&list), 0);
	assert_int_equal(psc_list_append(list, &entry, NULL), 0);
	assert_int_equal(psc_list_index(list), 0);
	scan = scan_list(PSC_SCAN_ROOT, "root", list);
	assert_int_equal(psc_scan_result(scan)->findings, 1);
	/* two of that size, and no other file was worth a digest */
	assert_int_equal(psc_scan_result(scan)->counts.digested, 2);
	finding = find(scan, PSC_THING_FILE, "kaspersky/kuma", "/usr/a");
	assert_non_null(finding);
	assert_int_equal(finding->role, PSC_ROLE_INSTALLER);
	assert_string_equal(finding->hit[0].name, "listed");
}

/* Both names of an inode count; its content, once. */
static void test_hard_links(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;

	scan = scan_base("cd root && cp ../engine.so usr/a.dat && ln usr/a.dat usr/b.ppl &&"
			 "mkdir -p opt/kaspersky/kesl && ln usr/a.dat opt/kaspersky/kesl/c");
	assert_int_equal(psc_scan_result(scan)->counts.again, 2);
	assert_int_equal(psc_scan_result(scan)->counts.files, 5);
	assert_true(has_rule(find(scan, PSC_THING_FILE, "kaspersky/kavsdk", "/b.ppl"),
			     "kaspersky/engine-plugin"));
	assert_false(has_rule(find(scan, PSC_THING_FILE, "kaspersky/kavsdk", "/a.dat"),
			      "kaspersky/engine-plugin"));
	assert_true(has_rule(find(scan, PSC_THING_FILE, "kaspersky/kesl", "/c"),
			     "kaspersky/engine-loader"));
}

/* A root inside of what is scanned has places of its own: containers, backups. */
static void test_root_inside(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;

	standin_shell("rm -rf outer && mkdir outer");
	standin_shell(base_script);
	standin_shell(kesl_script);
	standin_shell(
		"mv root outer/backup; mkdir -p outer/overlay2/x/diff/opt/kaspersky/klnagent64;"
		"touch outer/overlay2/x/diff/opt/kaspersky/klnagent64/f");
	scan = scan_list(PSC_SCAN_TREE, "outer", NULL);
	assert_true(told_by(scan, "kaspersky/kesl", PSC_THING_PACKAGE));
	assert_non_null(find(scan, PSC_THING_FILE, "kaspersky/kesl", "/libexec/kesl"));
	assert_non_null(find(scan, PSC_THING_FILE, "kaspersky/klnagent", "/f"));
}

/* ---- what is in the way ------------------------------------------------------------- */

static void test_odd_things(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;

	scan = scan_base("cd root && mkfifo pipe && ln -s . self && ln -s /nowhere gone &&"
			 "ln -s ../root around && truncate -s 8T sparse && : >empty &&"
			 "printf '\\177ELF' >short && mkdir -p opt/kaspersky/kesl &&"
			 "mkfifo opt/kaspersky/kesl/pipe && printf 'a\\n\\001b' >'usr/odd\nname'");
	assert_true(psc_scan_result(scan)->complete);
	assert_true(told_by(scan, "kaspersky/kesl", PSC_THING_DIRECTORY));
	assert_true(told_by(scan, "kaspersky/kesl", PSC_THING_SPECIAL));
	assert_int_equal(psc_scan_result(scan)->counts.files, 8);
}

/* Longer than any path that a system call takes, and with few descriptors. */
static void test_deep(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	struct rlimit before, few = {.rlim_cur = 64};
	const struct psc_finding *finding;

	standin_shell(base_script);
	standin_shell("cd root && n=aaaaaaaaaaaaaaaaaaaa && i=0 && while [ $i -lt 400 ]; do"
		      " mkdir $n b && cp /bin/true b/t && cd -P $n || exit; i=$((i+1)); done;"
		      "cp $OLDPWD/engine.so x.ppl 2>/dev/null ||"
		      " cp $(cd / && ls -d /tmp/psc-standin-*/engine.so | head -1) x.ppl");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	scan = scan_root();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(psc_scan_result(scan)->complete);
	finding = find(scan, PSC_THING_FILE, "kaspersky/kavsdk", "/x.ppl");
	assert_non_null(finding);
	assert_true(strlen(finding->where) > 8000);
	assert_int_equal(psc_scan_result(scan)->counts.files, 4 + 400 + 1);
}

/* So many directories in each other, below the root. */
static void make_deep(int count)
{
	int fd = standin_open("root");

	while (count--) {
		int below;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		below = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	close(fd);
}

static void test_too_deep(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;

	standin_shell(base_script);
	make_deep(4200);
	scan = scan_root();
	assert_false(psc_scan_result(scan)->complete);
	assert_non_null(gap(scan, "too deeply"));
}

static void test_unreadable(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	const struct psc_gap *found;

	standin_shell(base_script);
	standin_shell("chmod 755 . && cd root && mkdir -p opt/kaspersky/kesl usr/closed &&"
		      "echo a >opt/kaspersky/kesl/f && chmod 0 opt/kaspersky/kesl/f &&"
		      "echo a >usr/closed/f && chmod 0 usr/closed");
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	scan = scan_root();
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	standin_shell("chmod 755 root/usr/closed");
	assert_false(psc_scan_result(scan)->complete);
	found = gap(scan, strerror(EACCES));
	assert_non_null(found);
	assert_false(found->excluded);
	assert_int_equal(found->count, 2);
	assert_non_null(found->example[1]);
	/* its place is told without its content */
	assert_non_null(find(scan, PSC_THING_FILE, "kaspersky/kesl", "/f"));
}

static void test_damaged_database(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;

	scan = scan_base("printf 'Package: kesl\\n\\nno field\\n' >>root/var/lib/dpkg/status");
	assert_non_null(gap(scan, "package database: line 10"));
	assert_false(psc_scan_result(scan)->complete);
	assert_true(told_by(scan, "kaspersky/kesl", PSC_THING_PACKAGE));
}

/* A stand-in in the database of an rpm system, on disk and inside an image. */
static void test_rpm_database(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL, *image = NULL, *empty = NULL;
	const struct psc_finding *finding;

	standin_shell(base_script);
	standin_shell("mkdir -p rpm && cd rpm && printf 'Name: kesl\\nVersion: 12.0\\nRelease: 1\\n"
		      "Summary: stand-in\\nLicense: x\\nVendor: somebody\\nBuildArch: noarch\\n"
		      "%%description\\nx\\n%%files\\n' >kesl.spec &&"
		      "rpmbuild --quiet -bb --define \"_rpmdir $PWD\" --define \"_topdir $PWD/top\""
		      " kesl.spec && mkdir -p ../root/usr/lib/sysimage/rpm &&"
		      "rpm --dbpath \"$PWD/../root/usr/lib/sysimage/rpm\" -i --justdb --nodeps"
		      " noarch/kesl*.rpm");
	standin_shell("ls -a root/usr/lib/sysimage/rpm >before");
	scan = scan_root();
	if (!psc_package_rpm_covered()) {
		assert_non_null(gap(scan, "rpm: not covered"));
		assert_false(psc_scan_result(scan)->complete);
		skip();
	}
	finding = find(scan, PSC_THING_PACKAGE, "kaspersky/kesl", "/rpmdb.sqlite");
	assert_non_null(finding);
	assert_string_equal(finding->detail, "kesl 12.0-1");
	assert_true(has_rule(finding, "kaspersky/package-kesl"));
	assert_true(psc_scan_result(scan)->complete);
	/* the copy is gone, and beside the database is nothing new */
	standin_shell(
		"! ls -d /tmp/proscribe-rpmdb-* && ls -a root/usr/lib/sysimage/rpm | cmp - before");
	standin_shell(
		"rm -rf img && mkdir -p img/1 && cd img && tar -C ../root -cf 1/layer.tar . &&"
		"echo '{}' >c.json && echo '[{\"Config\":\"c.json\",\"RepoTags\":[],"
		"\"Layers\":[\"1/layer.tar\"]}]' >manifest.json && tar -cf ../image.tar *");
	image = scan_list(PSC_SCAN_IMAGE, "image.tar", NULL);
	assert_true(told_by(image, "kaspersky/kesl", PSC_THING_PACKAGE));
	standin_shell(
		"cd root/usr/lib/sysimage/rpm && rm -f *-wal *-shm && echo rubbish >rpmdb.sqlite");
	empty = scan_root();
	assert_non_null(gap(empty, "rpm database: "));
	assert_false(psc_scan_result(empty)->complete);
}

/* ---- containers of files ------------------------------------------------------------- */

static void test_package(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL, *lying = NULL, *cut = NULL;
	const struct psc_finding *finding;

	standin_shell("rm -rf deb && mkdir -p deb/p/DEBIAN deb/p/opt/mailgate &&"
		      "cp engine.so deb/p/opt/mailgate/x.ppl && printf 'Package: mailgate\\n"
		      "Version: 1\\nArchitecture: amd64\\nMaintainer: A <a@b.example>\\n"
		      "Description: stand-in\\n' >deb/p/DEBIAN/control &&"
		      "dpkg-deb -b deb/p deb/mailgate.deb && rm -r deb/p");
	scan = scan_list(PSC_SCAN_PACKAGE, "deb/mailgate.deb", NULL);
	finding = find(scan, PSC_THING_FILE, "kaspersky/embedded", "/mailgate.deb");
	assert_non_null(finding);
	assert_non_null(finding->inside);
	assert_true(ends_with(finding->inside, "opt/mailgate/x.ppl"));
	assert_true(psc_scan_result(scan)->complete);
	assert_int_equal(psc_scan_result(scan)->counts.archives, 1);
	/* one that is cut off says nothing of itself */
	standin_shell("head -c 80 deb/mailgate.deb >deb/cut.deb");
	cut = scan_list(PSC_SCAN_TREE, "deb/cut.deb", NULL);
	assert_false(psc_scan_result(cut)->complete);
	assert_non_null(gap(cut, "damaged packages"));
	standin_shell("rm deb/cut.deb");
	/* in a directory it is not opened, and that is said */
	lying = scan_list(PSC_SCAN_TREE, "deb", NULL);
	assert_int_equal(psc_scan_result(lying)->findings, 0);
	assert_int_equal(psc_scan_result(lying)->counts.unopened, 1);
	assert_true(gap(lying, "not opened")->excluded);
}

/* The package of the vendor is known by what it says of itself, under any name. */
static void test_package_renamed(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	const struct psc_finding *finding;

	standin_shell("rm -rf deb && mkdir -p deb/p/DEBIAN deb/q && printf 'Package: kesl\n"
		      "Version: 12\nArchitecture: amd64\nMaintainer: A <a@b.example>\n"
		      "Description: stand-in\n' >deb/p/DEBIAN/control &&"
		      "dpkg-deb -b deb/p deb/q/holiday.jpg && rm -r deb/p");
	scan = scan_list(PSC_SCAN_TREE, "deb", NULL);
	finding = FOUND_BY(scan, PSC_THING_FILE, "kaspersky/kesl", "/holiday.jpg",
			   "kaspersky/package-kesl-deb");
	assert_int_equal(finding->role, PSC_ROLE_INSTALLER);
}

static void test_image(void **state)
{
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	const struct psc_finding *finding;

	standin_shell(base_script);
	standin_shell(kesl_script);
	standin_shell("rm -rf img && mkdir -p img/1 img/2 two/opt/kaspersky && cd img &&"
		      "tar -C ../root -cf 1/layer.tar . && : >../two/opt/kaspersky/.wh.kesl &&"
		      "tar -C ../two -cf 2/layer.tar . && echo '{}' >c.json &&"
		      "echo '[{\"Config\":\"c.json\",\"RepoTags\":[\"site/app:1\"],"
		      "\"Layers\":[\"1/layer.tar\",\"2/layer.tar\"]}]' >manifest.json &&"
		      "tar -cf ../image.tar *");
	scan = scan_list(PSC_SCAN_IMAGE, "image.tar", NULL);
	finding = find(scan, PSC_THING_FILE, "kaspersky/kesl", "/image.tar");
	assert_non_null(finding);
	assert_non_null(strstr(finding->inside, "layer 1"));
	finding = find(scan, PSC_THING_LINK, "kaspersky/kesl", "/image.tar");
	assert_non_null(finding);
	assert_non_null(strstr(finding->inside, "deleted in layer 2"));
	assert_true(told_by(scan, "kaspersky/kesl", PSC_THING_PACKAGE));
	assert_true(psc_scan_result(scan)->complete);
}

/* ---- processes ------------------------------------------------------------------------ */

static void test_processes(void **state)
{
	struct psc_scan_options options = {.catalog = &catalog, .indicators = indicators};
	_cleanup_(psc_scan_freep) struct psc_scan *scan = NULL;
	char program[256], name[256];
	struct psc_worker worker = {0};
	const struct psc_finding *finding;
	pid_t pid;

	standin_shell("cp /bin/sleep ./plain");
	snprintf(program, sizeof(program), "%s/plain", standin_directory);
	snprintf(name, sizeof(name), "KL_PLUGINS_PATH=%s", standin_directory);
	pid = fork();
	if (pid == 0) {
		char *const environment[] = {name, NULL};

		execle(program, "plain", "60", NULL, environment);
		_exit(1);
	}
	assert_true(pid > 0);
	for (int i = 0; i < 500; i++) {
		char link[64], target[256];
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
		n = readlink(link, target, sizeof(target) - 1);
		if (n > 0 && memmem(target, (size_t)n, "plain", 5))
			break;
		usleep(10000);
	}
	/* what was deleted runs on */
	assert_int_equal(unlink(program), 0);
	assert_int_equal(psc_scan_new(&options, &scan), 0);
	worker.scan = scan;
	assert_int_equal(psc_processes_read(&worker), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	psc_scan_settle(scan);
	finding = find(scan, PSC_THING_PROCESS, "kaspersky/kavsdk", "/plain");
	assert_non_null(finding);
	assert_int_equal(finding->pid, pid);
	assert_true(scan->result.counts.processes > 0);
	psc_facts_clear(&worker.facts);
	psc_digester_clear(&worker.digester);
}

/* ---- mounts ---------------------------------------------------------------------------- */

static void test_mounts(void **state)
{
	_cleanup_(psc_mounts_clear) struct psc_mounts mounts = {0}, none = {0};
	char path[256];

	standin_shell("printf '/dev/a / ext4 rw 0 0\\nproc /proc proc rw 0 0\\n"
		      "h:/x /with\\\\040blank nfs4 rw 0 0\\nautofs /auto autofs rw 0 0\\n"
		      "/dev/b /auto ext4 rw 0 0\\nx /f fuse.sshfs rw 0 0\\n' >table");
	snprintf(path, sizeof(path), "%s/table", standin_directory);
	assert_int_equal(psc_mounts_load(path, &mounts), 0);
	assert_int_equal(mounts.count, 5);
	assert_int_equal(psc_mounts_find(&mounts, "/proc")->kind, PSC_MOUNT_PSEUDO);
	assert_int_equal(psc_mounts_find(&mounts, "/with blank")->kind, PSC_MOUNT_NETWORK);
	assert_int_equal(psc_mounts_find(&mounts, "/f")->kind, PSC_MOUNT_NETWORK);
	assert_int_equal(psc_mounts_find(&mounts, "/auto")->kind, PSC_MOUNT_LOCAL);
	assert_null(psc_mounts_find(&mounts, "/auto/x"));
	assert_int_equal(psc_mounts_load("/nowhere", &none), 0);
	assert_int_equal(none.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nil),
		cmocka_unit_test(test_kesl),
		cmocka_unit_test(test_one_removed),
		cmocka_unit_test(test_unit_elsewhere),
		cmocka_unit_test(test_exempt_beside_covered),
		cmocka_unit_test(test_engine_of_another_vendor),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_root_inside),
		cmocka_unit_test(test_odd_things),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_too_deep),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_damaged_database),
		cmocka_unit_test(test_rpm_database),
		cmocka_unit_test(test_package),
		cmocka_unit_test(test_package_renamed),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_mounts),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
