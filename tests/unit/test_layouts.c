/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_layouts.c - `proscribe scan` of stand-ins laid out as documented for the vendor's
 * products, with the shipped catalog: the report names every indicator; with each one gone, all
 * the others; and each one alone is enough. Nothing in them is the vendor's.
 */
#define FIXTURE_OWN char root[96], config[96];
#include "tests/unit/cli_harness.h"

#include "tests/unit/image.h"
#include "tests/unit/standin.h"
#include "user/cli/output.h"
#include "user/core/util.h"

static const struct psc_verb *const verb_table[] = {&psc_verb_scan, &psc_verb_explain, NULL};

/* One indicator: what is reported, how it gets there. */
struct sign {
	const char *kind;
	const char *where; /* end of where the finding is, or of its place inside there */
	const char *rule;
	const char *make; /* run in the root */
};

struct layout {
	const char *name;
	const char *product; /* of which every finding is; NULL: of several */
	const char *class;
	struct sign sign[12];
};

#define PACKAGE(name, more)                                                                        \
	"printf 'Package: " name "\\nStatus: install ok installed\\nVersion: 1.2-3\\n" more        \
	"\\n' >>var/lib/dpkg/status"
#define UNIT(name, line)                                                                           \
	"printf '[Service]\\n" line "\\nExecStart=/bin/true\\n' >usr/lib/systemd/system/" name
#define PROGRAM(path)	  "mkdir -p $(dirname " path ") && cp ../true " path
#define ENGINE(path)	  "mkdir -p $(dirname " path ") && cp ../engine.so " path
#define TEXT(path)	  "mkdir -p $(dirname " path ") && echo stand-in >" path
#define KESL_INSTALLED	  "var/opt/kaspersky/kesl/install_12.0.0.1/opt/kaspersky/kesl"
#define DEB(name, fields) "sh ../deb '" name "' '" fields "'"

static const struct layout layouts[] = {
	{"Endpoint Security (kesl)",
	 "kaspersky/kesl",
	 "endpoint",
	 {
		 {"file", KESL_INSTALLED "/libexec/kesl", "kesl-libexec-installed",
		  PROGRAM(KESL_INSTALLED "/libexec/kesl")},
		 {"link", "/opt/kaspersky/kesl", "kesl-opt",
		  "mkdir -p opt/kaspersky && ln -s /" KESL_INSTALLED " opt/kaspersky/kesl"},
		 {"file", "/private/updates/base.dat", "kesl-bases",
		  TEXT("var/opt/kaspersky/kesl/private/updates/base.dat")},
		 {"package", "/status", "package-kesl", PACKAGE("kesl", "")},
		 {"unit", "/kesl.service", "unit-kesl", UNIT("kesl.service", "")},
		 {"unit", "/renamed.service", "kesl-launcher",
		  "printf '[Service]\\nExecStart=/opt/kaspersky/kesl/libexec/kesl_launcher.sh\\n'"
		  " >usr/lib/systemd/system/renamed.service"},
		 {"group", "/group", "group-kesladmin", "echo kesladmin:x:900: >>etc/group"},
		 {"file", "/srv/copy/kesl-control", "name-kesl-control",
		  PROGRAM("srv/copy/kesl-control")},
		 {"special", "/run/bl4control", "kesl-socket",
		  "mkdir -p run && mkfifo run/bl4control"},
		 {"file", "/srv/x.jpg", "package-kesl-deb",
		  DEB("x.jpg", "Package: kesl\nMaintainer: A <a@b.example>")},
	 }},
	{"Network Agent (klnagent64)",
	 "kaspersky/klnagent",
	 "management",
	 {
		 {"file", "/opt/kaspersky/klnagent64/sbin/klnagent", "klnagent64-place",
		  PROGRAM("opt/kaspersky/klnagent64/sbin/klnagent")},
		 {"file", "/lib/bin/setup/postinstall.pl", "klnagent-setup",
		  "mkdir -p opt/kaspersky/klnagent64/lib/bin/setup && echo '#!/usr/bin/perl'"
		  " >opt/kaspersky/klnagent64/lib/bin/setup/postinstall.pl"},
		 {"file", "/var/opt/kaspersky/klnagent/1103/data", "klnagent-data",
		  TEXT("var/opt/kaspersky/klnagent/1103/data")},
		 {"file", "/etc/opt/kaspersky/klnagent/conf", "klnagent-config",
		  TEXT("etc/opt/kaspersky/klnagent/conf")},
		 {"package", "/status", "package-klnagent64", PACKAGE("klnagent64", "")},
		 {"unit", "/klnagent64.service", "unit-klnagent64", UNIT("klnagent64.service", "")},
		 {"file", "/srv/klnagchk", "name-klnagchk", PROGRAM("srv/klnagchk")},
		 {"file", "/srv/klnagent64_16.0.deb", "file-klnagent64-deb",
		  DEB("klnagent64_16.0.deb", "Package: x\nMaintainer: A <a@b.example>")},
	 }},
	{"Scan Engine",
	 NULL,
	 NULL,
	 {
		 {"file", "/ScanEngine/ppl/core.ppl", "engine-plugin",
		  ENGINE("opt/kaspersky/ScanEngine/ppl/core.ppl")},
		 {"file", "/ScanEngine/bin/kavhttpd", "scanengine-place",
		  PROGRAM("opt/kaspersky/ScanEngine/bin/kavhttpd")},
		 {"file", "/ScanEngine/bin/bases/base.dat", "scanengine-bases",
		  TEXT("opt/kaspersky/ScanEngine/bin/bases/base.dat")},
		 {"file", "/httpsrv/kl_scanengine_db.key", "scanengine-key",
		  TEXT("opt/kaspersky/ScanEngine/httpsrv/kl_scanengine_db.key")},
		 {"file", "/etc/kavhttpd.xml", "scanengine-kavhttpd-config",
		  TEXT("etc/kavhttpd.xml")},
		 {"unit", "/kavicapd.service", "unit-kavicapd", UNIT("kavicapd.service", "")},
		 {"unit", "/web.service", "scanengine-environment",
		  UNIT("web.service", "Environment=SDKPATH=/srv/ScanEngine/sdk")},
		 {"file", "/srv/klScanEngineUI", "name-klscanengineui",
		  PROGRAM("srv/klScanEngineUI")},
		 {"file", "/srv/appinfo.kli", "engine-license", TEXT("srv/appinfo.kli")},
		 {"file", "/srv/Kaspersky_ScanEngine-Linux-x86_64-2.1.0.1.tar.gz",
		  "file-scanengine-archive",
		  "mkdir -p srv && tar -czf srv/Kaspersky_ScanEngine-Linux-x86_64-2.1.0.1.tar.gz"
		  " etc/passwd"},
	 }},
	{"CyberTrace",
	 "kaspersky/cybertrace",
	 "threat-intelligence",
	 {
		 {"file", "/opt/kaspersky/ktfs/bin/kl_feed_service", "cybertrace-place",
		  PROGRAM("opt/kaspersky/ktfs/bin/kl_feed_service")},
		 {"unit", "/cybertrace.service", "cybertrace-unit", UNIT("cybertrace.service", "")},
		 {"package", "/status", "package-cybertrace-maintainer",
		  PACKAGE("kaspersky-cybertrace", "Maintainer: Kaspersky <a@b.example>\\n")},
		 {"file", "/srv/Kaspersky_CyberTrace-Linux-4.4.deb", "cybertrace-file-deb",
		  DEB("Kaspersky_CyberTrace-Linux-4.4.deb",
		      "Package: x\nMaintainer: A <a@b.example>")},
		 {"file", "/srv/y.jpg", "package-cybertrace-maintainer-deb",
		  DEB("y.jpg", "Package: cybertrace\nMaintainer: AO Kaspersky Lab <a@b.example>")},
	 }},
	{"Virus Removal Tool (.run)",
	 "kaspersky/kvrt",
	 "scanner",
	 {
		 {"file", "/srv/u/kvrt.run", "name-kvrt-run",
		  "mkdir -p srv/u && printf '#!/bin/sh\\nexit\\n' >srv/u/kvrt.run"},
		 {"file", "/srv/u/photo.jpg", "kvrt-archive",
		  "mkdir -p srv/u && { printf '#!/bin/sh\\nexit\\n';"
		  " tar -C .. -cz libKvrtGui.so; } >srv/u/photo.jpg"},
		 {"file", "/var/opt/KVRT2024_Data/report", "kvrt-data",
		  TEXT("var/opt/KVRT2024_Data/report")},
		 {"file", "/tmp/x/libKvrtGui.so", "kvrt-library", PROGRAM("tmp/x/libKvrtGui.so")},
		 {"file", "/tmp/renamed.so", "kvrt-library-soname",
		  "mkdir -p tmp && cp ../libKvrtGui.so tmp/renamed.so"},
		 {"package", "/status", "package-kvrt", PACKAGE("kvrt", "")},
	 }},
	{"an engine that nobody knows the package of",
	 NULL, /* that in the package is embedded */
	 NULL,
	 {
		 {"file", "/opt/mailgate/lib/av.ppl", "engine-plugin",
		  ENGINE("opt/mailgate/lib/av.ppl")},
		 {"file", "/opt/mailgate/lib/libav.so", "engine-loader",
		  ENGINE("opt/mailgate/lib/libav.so")},
		 {"file", "/opt/mailgate/ppl/stripped.ppl", "engine-plugin-directory",
		  PROGRAM("opt/mailgate/ppl/stripped.ppl")},
		 {"file", "/opt/mailgate/appinfo.kli", "engine-license",
		  TEXT("opt/mailgate/appinfo.kli")},
		 {"file", "/opt/mailgate/integrity_check_sdk.xml", "integrity-manifest-sdk",
		  TEXT("opt/mailgate/integrity_check_sdk.xml")},
		 {"file", "/opt/mailgate/bin/kavehost", "name-kavehost",
		  PROGRAM("opt/mailgate/bin/kavehost")},
		 {"file", "/opt/mailgate/bases/x.kdl.so", "bases-kdl-so",
		  PROGRAM("opt/mailgate/bases/x.kdl.so")},
		 {"unit", "/mailgate.service", "engine-environment",
		  UNIT("mailgate.service", "Environment=KL_PLUGINS_PATH=/opt/mailgate/lib")},
		 {"file", "opt/mailgate/sdk/inner.ppl", "engine-plugin",
		  "sh ../deb mailgate.deb 'Package: mailgate\nMaintainer: A <a@b.example>'"
		  " opt/mailgate/sdk/inner.ppl"},
	 }},
};

/* What all of them need, made once beside the root. */
static const char tools[] =
	"cp /bin/true true && cp /bin/true libKvrtGui.tmp &&"
	"echo 'const char k[] = \"KL_PLUGINS_PATH\"; const char *get(void) { return k; }' >engine.c &&"
	"cc -shared -fPIC -o engine.so engine.c && echo 'int f(void) { return 0; }' >gui.c &&"
	"cc -shared -fPIC -Wl,-soname,libKvrtGui.so -o libKvrtGui.so gui.c && mkdir lists trust nobody &&"
	"cat >deb <<'END'\n"
	"mkdir -p srv ../debs\n"
	"[ ! -e ../debs/$1 ] || exec cp ../debs/$1 srv\n"
	"rm -rf ../p && mkdir -p ../p/DEBIAN || exit\n"
	"[ -z \"$3\" ] || { mkdir -p ../p/$(dirname $3) && cp ../engine.so ../p/$3; } || exit\n"
	"printf '%s\\nVersion: 1\\nArchitecture: amd64\\nDescription: stand-in\\n' \"$2\""
	" >../p/DEBIAN/control && dpkg-deb --root-owner-group -b ../p ../debs/$1 && cp ../debs/$1 srv\n"
	"END\n";

static const char base[] =
	"rm -rf root && mkdir -p root/etc root/usr/lib/systemd/system"
	" root/var/lib/dpkg/info && cd root && echo root:x:0:0::/: >etc/passwd &&"
	"echo root:x:0: >etc/group && printf 'Package: base-files\\n"
	"Status: install ok installed\\nVersion: 12\\n\\n' >var/lib/dpkg/status";

/* A root with those signs of the layout whose bit is set. */
static void make_root(const struct layout *layout, unsigned int signs)
{
	_cleanup_free_ char *script = NULL;
	size_t size;
	FILE *file = open_memstream(&script, &size);

	fputs(base, file);
	for (size_t i = 0; layout->sign[i].kind; i++) {
		if (signs & 1U << i)
			fprintf(file, "\n{ %s; } || exit 1", layout->sign[i].make);
	}
	fclose(file);
	standin_shell(script);
}

static json_t *scan_trusting(struct fixture *f, const char *trust, int expected)
{
	char lists[96], store[96];
	char *argv[] = {"proscribe", "scan",	"--catalog", "policy/catalog", "--lists",
			lists,	     "--trust", store,	     "--archives",     "--json",
			"--root",    f->root,	NULL};
	_cleanup_json_ json_t *json = NULL;
	int code;

	snprintf(lists, sizeof(lists), "%s/lists", standin_directory);
	snprintf(store, sizeof(store), "%s/%s", standin_directory, trust);
	code = run_array(f, verb_table, argv);
	if (code != expected)
		fail_msg("exit status %d: %s%s", code, f->out, f->err);
	json = envelope(f, "scan", "data");
	return json_incref(json_object_get(json, "data"));
}

static json_t *scan_root(struct fixture *f, int expected)
{
	return scan_trusting(f, "nobody", expected);
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

static bool rests_on(const json_t *finding, const char *rule)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(finding, "rules"), i, one) {
		if (strcmp(psc_json_text(one, "rule", "?") + strlen("kaspersky/"), rule) == 0 &&
		    *psc_json_text(one, "source", ""))
			return true;
	}
	return false;
}

static bool is_told(const json_t *data, const struct sign *sign)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(data, "findings"), i, finding) {
		if (strcmp(psc_json_text(finding, "kind", "?"), sign->kind) == 0 &&
		    ends_with(
			    psc_json_text(finding, "inside", psc_json_text(finding, "where", "?")),
			    sign->where) &&
		    rests_on(finding, sign->rule))
			return true;
	}
	return false;
}

static void check_signs(struct fixture *f, const struct layout *layout, unsigned int signs)
{
	_cleanup_json_ json_t *data = NULL;

	make_root(layout, signs);
	data = scan_root(f, PSC_EXIT_LISTED);
	for (size_t i = 0; layout->sign[i].kind; i++) {
		bool expected = signs & 1U << i;

		if (is_told(data, &layout->sign[i]) != expected)
			fail_msg("%s: %s is %stold of, with the signs %#x:\n%s", layout->name,
				 layout->sign[i].rule, expected ? "not " : "", signs, f->out);
	}
}

/* Everything that is found there is that product's, as profiles exempt by its class. */
static void check_product(struct fixture *f, const struct layout *layout, unsigned int all)
{
	_cleanup_json_ json_t *data = NULL;
	const json_t *product;
	size_t i;

	if (!layout->product)
		return;
	make_root(layout, all);
	data = scan_root(f, PSC_EXIT_LISTED);
	json_array_foreach(json_object_get(data, "products"), i, product) {
		const char *id = psc_json_text(product, "product", "?");

		if (strcmp(id, "kaspersky/other") == 0)
			continue; /* directories above it */
		assert_string_equal(id, layout->product);
		assert_string_equal(psc_json_text(product, "class", "?"), layout->class);
	}
}

static void test_layouts(void **state)
{
	struct fixture *f = *state;

	for (size_t l = 0; l < ARRAY_SIZE(layouts); l++) {
		unsigned int count = 0, all;

		while (layouts[l].sign[count].kind)
			count++;
		all = (1U << count) - 1;
		check_signs(f, &layouts[l], all);
		for (unsigned int i = 0; i < count; i++) {
			check_signs(f, &layouts[l], all & ~(1U << i));
			check_signs(f, &layouts[l], 1U << i);
		}
		check_product(f, &layouts[l], all);
	}
}

/* The product that the file at the end of this path was found as; "" none. */
static const char *product_of(const json_t *data, const char *where)
{
	const json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(data, "findings"), i, finding) {
		if (strcmp(psc_json_text(finding, "kind", "?"), "file") == 0 &&
		    ends_with(
			    psc_json_text(finding, "inside", psc_json_text(finding, "where", "?")),
			    where))
			return psc_json_text(finding, "product", "?");
	}
	return "";
}

#define OWNED(package, path)                                                                       \
	"; " ENGINE(path) " && echo /" path " >>var/lib/dpkg/info/" package ".list"

/* The same engine is what the package that brought it says: installed, or in the package. */
static void test_owner(void **state)
{
	static const struct sign signs[] = {
		{"mailgate", "/opt/mailgate/lib/av.ppl", "kaspersky/embedded",
		 PACKAGE("mailgate", "Maintainer: A <a@b.example>\\n")
			 OWNED("mailgate", "opt/mailgate/lib/av.ppl")},
		{"the vendor's own, elsewhere", "/srv/lib/av.ppl", "kaspersky/kavsdk",
		 PACKAGE("sdk", "Maintainer: Kaspersky Lab <a@b.example>\\n")
			 OWNED("sdk:amd64", "srv/lib/av.ppl")},
		{"repacked, in the vendor's place", "/opt/kaspersky/ScanEngine/ppl/core.ppl",
		 "kaspersky/kavsdk",
		 PACKAGE("repacked", "Maintainer: A <a@b.example>\\n")
			 OWNED("repacked", "opt/kaspersky/ScanEngine/ppl/core.ppl")},
		{"by its name only", "/opt/mailgate/bin/kavehost", "kaspersky/kavsdk",
		 PACKAGE("mailgate", "Maintainer: A <a@b.example>\\n") "; " PROGRAM(
			 "opt/mailgate/bin/kavehost") " && echo /opt/mailgate/bin/kavehost >>var/lib/dpkg/info/mailgate.list"},
		{"no package", "/srv/lib/av.ppl", "kaspersky/kavsdk", ENGINE("srv/lib/av.ppl")},
		{"a package file", "opt/mailgate/sdk/inner.ppl", "kaspersky/embedded",
		 "sh ../deb mailgate.deb 'Package: mailgate\nMaintainer: A <a@b.example>'"
		 " opt/mailgate/sdk/inner.ppl"},
		{"the vendor's package file", "opt/kav/sdk/inner.ppl", "kaspersky/kavsdk",
		 "sh ../deb sdk.deb 'Package: sdk\nMaintainer: Kaspersky <a@b.example>'"
		 " opt/kav/sdk/inner.ppl"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		struct layout layout = {.sign = {signs[i]}};
		_cleanup_json_ json_t *data = NULL;

		make_root(&layout, 1);
		data = scan_root(f, PSC_EXIT_LISTED);
		if (strcmp(product_of(data, signs[i].where), signs[i].rule) != 0)
			fail_msg("%s: %s, not %s", signs[i].kind, product_of(data, signs[i].where),
				 signs[i].rule);
	}
}

/* Without any sign nothing is found, or the test would prove nothing. */
static void test_none(void **state)
{
	struct fixture *f = *state;

	make_root(&layouts[0], 0);
	json_decref(scan_root(f, PSC_EXIT_OK));
}

/*
 * Anybody can write the vendor's number into a certificate: it counts with a chain to somebody
 * who is trusted, and for content that is what was signed.
 */
static void test_signed(void **state)
{
	static const struct sign sign = {"file", "/srv/setup.dat", "signer-register", NULL};
	static uint8_t image[IMAGE_SIZE];
	struct fixture *f = *state;
	char path[128];
	json_t *data;
	FILE *out;

	make_image(image, true);
	snprintf(path, sizeof(path), "%s/unsigned.exe", standin_directory);
	out = fopen(path, "we");
	assert_non_null(out);
	assert_int_equal(fwrite(image, sizeof(image), 1, out), 1);
	fclose(out);
	make_root(&layouts[0], 0);
	standin_shell("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem"
		      " -out trust/stand-in.pem -addext extendedKeyUsage=codeSigning"
		      " -subj /CN=stand-in/serialNumber=1027739867473 2>/dev/null &&"
		      "mkdir -p root/srv && osslsigncode sign -h sha256 -certs trust/stand-in.pem"
		      " -key key.pem -in unsigned.exe -out root/srv/setup.dat");
	data = scan_trusting(f, "trust", PSC_EXIT_LISTED);
	assert_true(is_told(data, &sign));
	json_decref(data);
	json_decref(scan_root(f, PSC_EXIT_OK));
	standin_shell("printf '\\377' | dd of=root/srv/setup.dat bs=1 seek=700 conv=notrunc");
	json_decref(scan_trusting(f, "trust", PSC_EXIT_OK));
}

/* What a scan tells of files, explain tells of each. */
static void test_explain(void **state)
{
	static const struct {
		size_t layout, sign;
		const char *path;
	} rows[] = {
		{0, 7, "srv/copy/kesl-control"},
		{0, 9, "srv/x.jpg"},
		{1, 7, "srv/klnagent64_16.0.deb"},
		{2, 0, "opt/kaspersky/ScanEngine/ppl/core.ppl"},
		{3, 4, "srv/y.jpg"},
		{4, 1, "srv/u/photo.jpg"},
		{5, 1, "opt/mailgate/lib/libav.so"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct layout *layout = &layouts[rows[i].layout];
		char path[192], rule[64];
		char *argv[] = {"proscribe",
				"explain",
				"--catalog",
				"policy/catalog",
				"--profiles-dir",
				"policy/profiles",
				"--config",
				f->config,
				"--lists",
				f->directory,
				"--objects",
				f->directory,
				path,
				NULL};

		make_root(layout, 1U << rows[i].sign);
		snprintf(path, sizeof(path), "%s/%s", f->root, rows[i].path);
		snprintf(rule, sizeof(rule), "kaspersky/%s", layout->sign[rows[i].sign].rule);
		if (run_array(f, verb_table, argv) != PSC_EXIT_LISTED)
			fail_msg("%s: %s%s", path, f->out, f->err);
		assert_contains(f->out, rule);
		assert_contains(f->out, i == 4 ? "exempt" : "would_deny");
	}
}

static int setup(void **state)
{
	struct fixture *f = fixture_new();

	if (!f || standin_setup(state) < 0)
		return -1;
	snprintf(f->root, sizeof(f->root), "%s/root", standin_directory);
	snprintf(f->config, sizeof(f->config), "%s/proscribe.yaml", standin_directory);
	put_file(f->config, "mode: observe\n");
	*state = f;
	standin_shell(tools);
	return 0;
}

static int teardown(void **state)
{
	int r = fixture_free(*state);

	return standin_teardown(state) == 0 ? r : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_owner),	cmocka_unit_test(test_signed),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
