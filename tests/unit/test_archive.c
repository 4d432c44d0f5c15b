/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_archive.c - walks over archives made by tar, zip, cpio, ar, dpkg-deb and rpmbuild, and
 * over hostile ones: everything inside is handed out, or reported with the reason why not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>

#include "user/core/util.h"
#include "user/core/hex.h"
#include "user/identify/archive.h"
#include "tests/unit/standin.h"

/* What a walk gave, as lines "DEPTH CONTAINER:PATH CONTENT-or-SKIP". */
struct seen {
	char text[16384];
	size_t length;
	unsigned int entries;
	unsigned int skips;
	enum psc_archive_skip last_skip;
	int result;
};

static int see(const struct psc_archive_entry *entry, void *data)
{
	struct seen *seen = data;
	char content[64] = "";
	char digest[2 * PSC_DIGEST_SIZE + 1];

	seen->entries++;
	assert_non_null(entry->path);
	if (entry->skip) {
		seen->skips++;
		seen->last_skip = entry->skip;
		assert_non_null(entry->reason);
		assert_int_equal(entry->fd, -1);
		snprintf(content, sizeof(content), "!%s", psc_archive_skip_to_string(entry->skip));
	} else if (entry->fd >= 0) {
		struct stat st;

		assert_int_equal(fstat(entry->fd, &st), 0);
		assert_int_equal(st.st_size, entry->size);
		assert_int_equal(lseek(entry->fd, 0, SEEK_CUR), 0);
		if (entry->size < 32)
			assert_int_equal(read(entry->fd, content, 32), entry->size);
		if (entry->has_sha256 && strcmp(content, "standin") == 0) {
			psc_hex_encode(entry->sha256, PSC_DIGEST_SIZE, digest);
			assert_string_equal(digest, STANDIN_SHA256);
		}
	} else if (entry->link) {
		snprintf(content, sizeof(content), "-> %.40s", entry->link);
	}
	if (seen->length < sizeof(seen->text) - 512)
		seen->length +=
			snprintf(seen->text + seen->length, 512, "%u %s:%s %s\n", entry->depth,
				 entry->container ? entry->container : "", entry->path, content);
	return seen->result;
}

static void walk_with(const char *name, const struct psc_archive_limits *limits, struct seen *seen)
{
	_cleanup_close_ int fd = standin_open(name);

	*seen = (struct seen){0};
	assert_int_equal(psc_archive_walk(fd, limits, see, seen), 0);
}

static void walk(const char *name, struct seen *seen)
{
	static const struct psc_archive_limits limits = {
		.bytes_max = 1ULL << 30,
		.entry_bytes_max = 64 << 20,
		.entries_max = 10000,
		.ratio_max = 1000,
		.depth_max = 3,
		.want_digest = true,
	};

	walk_with(name, &limits, seen);
}

static void expect(const struct seen *seen, const char *line)
{
	if (!strstr(seen->text, line))
		fail_msg("no \"%s\" in:\n%s", line, seen->text);
}

static const char make_all[] = STANDIN_TREE
	"cd tree;"
	"tar -cf ../a.tar .; tar --format=v7 -cf ../v7.tar opt; tar --format=posix -cf ../pax.tar opt;"
	"for z in gzip bzip2 xz lzma zstd; do"
	" tar -cf - opt | case $z in lzma) xz --format=lzma ;; *) $z -c ;; esac >../a.tar.$z; done;"
	"zip -qry ../a.zip opt; find opt | cpio -o --quiet -H newc >../a.cpio;"
	"find opt | cpio -o --quiet -H bin >../bin.cpio; cd ..;"
	"gzip -c tree/opt/kaspersky/kesl/bin/kesl >one.gz;"
	"mkdir -p tree/DEBIAN; printf '%s\\n' 'Package: kesl' 'Version: 1' 'Architecture: all'"
	" 'Maintainer: s <s@example.invalid>' 'Description: stand-in' >tree/DEBIAN/control;"
	"dpkg-deb --root-owner-group -Zxz -b tree a.deb; rm -r tree/DEBIAN;"
	"ar rc a.a tree/opt/kaspersky/kesl/bin/kesl;"
	/* an archive in an archive in an archive ... */
	"cp a.zip n0.zip; tar -czf n1.tgz n0.zip a.deb; zip -q n2.zip n1.tgz; tar -cf n3.tar n2.zip;"
	"tar -cf n4.tar n3.tar;"
	"{ printf 'MZ program'; cat a.zip; } >sfx.exe; zip -qA sfx.exe;"
	"{ printf '#!/bin/sh\\nexit\\n'; cat a.tar.xz; } >self.run;"
	"printf '7z\\274\\257\\047\\034 and so on' >seven.7z;"
	"tar -cf odd.tar seven.7z one.gz;";

static const char kesl_line[] = ":opt/kaspersky/kesl/bin/kesl standin\n";

static void test_formats(void **state)
{
	static const char *const names[] = {
		"a.tar",    "v7.tar",	  "pax.tar",	"a.tar.gzip", "a.tar.bzip2",
		"a.tar.xz", "a.tar.lzma", "a.tar.zstd", "a.zip",      "a.cpio",
		"bin.cpio", "a.deb",	  "sfx.exe",	"self.run",
	};
	struct seen seen;

	standin_shell(make_all);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		walk(names[i], &seen);
		expect(&seen, kesl_line);
		expect(&seen, "0 :opt/kaspersky/kesl/link -> /opt/kaspersky/kesl/bin/kesl\n");
		assert_int_equal(seen.skips, 0);
	}
	walk("a.deb", &seen);
	expect(&seen, "0 control.tar:control ");
	walk("a.a", &seen);
	expect(&seen, "0 :kesl standin\n");
	walk("one.gz", &seen);
	expect(&seen, "0 :content standin\n");
}

static void test_rpm(void **state)
{
	struct seen seen;

	standin_shell(
		"printf '%s\\n' 'Name: kesl' 'Version: 1' 'Release: 1' 'Summary: s'"
		" 'License: none' 'BuildArch: noarch' '%description' 's' '%files' '/opt' >s.spec;"
		"cp -a tree root; rm -rf root/usr; rpmbuild --quiet -bb --define \"_rpmdir $PWD/out\""
		" --define \"_topdir $PWD/top\" --buildroot \"$PWD/root\" s.spec;"
		"mv out/noarch/*.rpm a.rpm");
	walk("a.rpm", &seen);
	expect(&seen, "0 :opt/kaspersky/kesl/bin/kesl standin\n");
	assert_int_equal(seen.skips, 0);
}

static void test_nested(void **state)
{
	struct seen seen;

	walk("n3.tar", &seen);
	expect(&seen, "1 n2.zip:n1.tgz ");
	expect(&seen, "3 n2.zip!/n1.tgz!/n0.zip:opt/kaspersky/kesl/bin/kesl standin\n");
	expect(&seen, "3 n2.zip!/n1.tgz!/a.deb:opt/kaspersky/kesl/bin/kesl standin\n");
	assert_int_equal(seen.skips, 0);
	/* one level more is reported, not lost */
	walk("n4.tar", &seen);
	expect(&seen, "4 n3.tar!/n2.zip!/n1.tgz!/n0.zip: !depth\n");
	expect(&seen, "4 n3.tar!/n2.zip!/n1.tgz!/a.deb: !depth\n");
	assert_int_equal(seen.skips, 2);
	assert_null(strstr(seen.text, "standin"));
	walk("odd.tar", &seen);
	expect(&seen, "0 :seven.7z 7z\274\257\047\034 and so on\n");
	expect(&seen, "0 :seven.7z !unsupported\n");
	expect(&seen, "1 one.gz:content standin\n");
	walk("seven.7z", &seen);
	expect(&seen, "0 : !unsupported\n");
}

static void test_not_archives(void **state)
{
	_cleanup_close_ int fd = standin_open("tree/opt/kaspersky/kesl/bin/kesl");
	_cleanup_close_ int script = standin_open("log");
	struct seen seen = {0};
	uint8_t head[512] = "#!/bin/sh";

	assert_int_equal(psc_archive_walk(fd, NULL, see, &seen), -ENOEXEC);
	assert_int_equal(psc_archive_walk(script, NULL, see, &seen), -ENOEXEC);
	assert_int_equal(seen.entries, 0);
	assert_false(psc_archive_detect(head, sizeof(head)));
	assert_true(psc_archive_detect((const uint8_t *)"PK\003\004", 4));
	assert_false(psc_archive_detect((const uint8_t *)"PK", 2));
	fd = (close(fd), standin_open("v7.tar"));
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	assert_true(psc_archive_detect(head, sizeof(head)));
	head[0] ^= 1;
	assert_false(psc_archive_detect(head, sizeof(head)));
}

static void test_damaged(void **state)
{
	struct seen seen;

	standin_shell("head -c 2100 a.tar >cut.tar; head -c 100 a.tar.gzip >cut.tgz;"
		      "zip -q -P secret locked.zip tree/opt/kaspersky/kesl/bin/kesl a.tar;"
		      "cp a.zip bad.zip; printf 'XXXX' | dd of=bad.zip bs=1 seek=300 conv=notrunc;"
		      "printf 'PK\\003\\004 nothing' >false.zip");
	walk("cut.tar", &seen);
	assert_int_equal(seen.last_skip, PSC_ARCHIVE_SKIP_DAMAGED);
	walk("cut.tgz", &seen);
	assert_int_equal(seen.last_skip, PSC_ARCHIVE_SKIP_DAMAGED);
	walk("locked.zip", &seen);
	expect(&seen, "0 :tree/opt/kaspersky/kesl/bin/kesl !encrypted\n");
	expect(&seen, "0 :a.tar !encrypted\n");
	walk("false.zip", &seen);
	assert_true(seen.skips > 0);
}

static void test_limits(void **state)
{
	struct psc_archive_limits limits = PSC_ARCHIVE_LIMITS_DEFAULT;
	struct seen seen;

	standin_shell(
		"head -c 300M /dev/zero | gzip -1 >bomb.gz; gzip -kc9 bomb.gz >bomb2.gz;"
		"head -c 3M /dev/zero >large; printf tail >tail; tar -czf large.tgz large tail;"
		"truncate -s 8T hole; printf x >>hole; tar -Scf sparse.tar hole tail");
	limits.entry_bytes_max = 1 << 20;
	walk_with("large.tgz", &limits, &seen);
	expect(&seen, "0 :large !too_large\n");
	expect(&seen, "0 :tail tail\n");
	walk_with("sparse.tar", &limits, &seen);
	expect(&seen, "0 :hole !too_large\n");
	expect(&seen, "0 :tail tail\n");
	limits = (struct psc_archive_limits)PSC_ARCHIVE_LIMITS_DEFAULT;
	limits.ratio_max = 100;
	walk_with("bomb.gz", &limits, &seen);
	assert_int_equal(seen.last_skip, PSC_ARCHIVE_SKIP_RATIO);
	limits.ratio_max = 1000;
	limits.bytes_max = 2 << 20;
	walk_with("large.tgz", &limits, &seen);
	assert_int_equal(seen.last_skip, PSC_ARCHIVE_SKIP_BYTES);
	assert_null(strstr(seen.text, "tail"));
	walk_with("bomb2.gz", &limits, &seen);
	assert_int_equal(seen.last_skip, PSC_ARCHIVE_SKIP_BYTES);
	/* what is too large costs its size, although it is passed over */
	limits.entry_bytes_max = 1 << 20;
	walk_with("large.tgz", &limits, &seen);
	assert_int_equal(seen.last_skip, PSC_ARCHIVE_SKIP_BYTES);
	limits = (struct psc_archive_limits)PSC_ARCHIVE_LIMITS_DEFAULT;
	limits.entries_max = 3;
	walk_with("a.tar", &limits, &seen);
	assert_int_equal(seen.last_skip, PSC_ARCHIVE_SKIP_ENTRIES);
	assert_true(seen.entries <= 4);
}

static void test_callback_ends(void **state)
{
	_cleanup_close_ int fd = standin_open("n3.tar");
	struct seen seen = {.result = -ECANCELED};

	assert_int_equal(psc_archive_walk(fd, NULL, see, &seen), -ECANCELED);
	assert_int_equal(seen.entries, 1);
}

static void test_names(void **state)
{
	struct seen seen;

	standin_shell("mkdir -p n; cd n; printf x >\"$(printf 'b\\377d')\"; printf x >äö;"
		      "tar --format=posix -cf ../names.tar ./*; tar -cf ../gnu.tar ./*;"
		      "cd ..; tar -P --transform 's,^tail,../../etc/x,' -cf up.tar tail");
	walk("gnu.tar", &seen);
	expect(&seen, "0 :b\377d x\n");
	expect(&seen, "0 :äö x\n");
	walk("names.tar", &seen);
	expect(&seen, "0 :äö x\n");
	assert_int_equal(seen.entries, 2);
	walk("up.tar", &seen);
	expect(&seen, "0 :../../etc/x tail\n");
}

static int forget_memory(const struct psc_archive_entry *entry, void *data)
{
	errno = ENOMEM;
	return 0;
}

/* A name that cannot be converted, after memory was short once: libarchive would exit. */
static void test_stale_error(void **state)
{
	static const struct psc_archive_limits limits = PSC_ARCHIVE_LIMITS_DEFAULT;
	_cleanup_close_ int fd =
		open("tests/fuzz/corpus/archive/unconvertible", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	errno = ENOMEM;
	assert_int_equal(psc_archive_walk(fd, &limits, forget_memory, NULL), 0);
}

static void test_skip_names(void **state)
{
	for (unsigned int i = 0; i < PSC_ARCHIVE_SKIP_MAX; i++)
		assert_non_null(psc_archive_skip_to_string(i));
	assert_null(psc_archive_skip_to_string(PSC_ARCHIVE_SKIP_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),	      cmocka_unit_test(test_rpm),
		cmocka_unit_test(test_nested),	      cmocka_unit_test(test_not_archives),
		cmocka_unit_test(test_damaged),	      cmocka_unit_test(test_limits),
		cmocka_unit_test(test_callback_ends), cmocka_unit_test(test_names),
		cmocka_unit_test(test_skip_names),    cmocka_unit_test(test_stale_error),
	};

	return cmocka_run_group_tests(tests, standin_setup, standin_teardown);
}
