/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_container_image.c - tarballs laid out as `docker save` and OCI tools do: layers in order,
 * files that a later layer deletes, shared and missing layers, hostile manifests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "user/core/util.h"
#include "user/identify/container_image.h"
#include "tests/unit/standin.h"

/* Lines "IMAGE LAYER DELETED CONTAINER:PATH CONTENT-or-SKIP". */
struct seen {
	char text[16384];
	size_t length;
	int result;
};

static int see(const struct psc_container_file *file, void *data)
{
	const struct psc_archive_entry *entry = file->entry;
	struct seen *seen = data;
	char content[64] = "";

	if (entry->skip)
		snprintf(content, sizeof(content), "!%s", psc_archive_skip_to_string(entry->skip));
	else if (entry->fd >= 0 && entry->size < 32)
		assert_int_equal(read(entry->fd, content, 32), entry->size);
	assert_true(seen->length < sizeof(seen->text) - 512);
	seen->length += snprintf(seen->text + seen->length, 512, "%s %u %u%s %s:%s %s\n",
				 file->image && file->image->names ? file->image->names[0] : "-",
				 file->layer, file->deleted_in, file->replaced ? "r" : "",
				 entry->container ? entry->container : "", entry->path, content);
	return seen->result;
}

static void walk(const char *name, struct seen *seen)
{
	_cleanup_close_ int fd = standin_open(name);

	*seen = (struct seen){0};
	assert_int_equal(psc_container_walk(fd, NULL, see, seen), 0);
}

static void expect(const struct seen *seen, const char *line)
{
	if (!strstr(seen->text, line))
		fail_msg("no \"%s\" in:\n%s", line, seen->text);
}

static void expect_not(const struct seen *seen, const char *part)
{
	if (strstr(seen->text, part))
		fail_msg("\"%s\" in:\n%s", part, seen->text);
}

/* Three layers: the second deletes a file, a directory and the content of another. */
static const char make_layers[] = STANDIN_TREE
	"mkdir -p tree/opt/gone tree/opt/opaque; printf a >tree/opt/gone/a; printf b >tree/opt/opaque/b;"
	"printf z >tree/opt/gonelike; tar -C tree -cf l1.tar opt usr;"
	"mkdir -p two/opt/kaspersky/kesl/bin two/opt/opaque;"
	"touch two/opt/.wh.gone two/opt/kaspersky/kesl/bin/.wh.kesl two/opt/opaque/.wh..wh..opq;"
	"printf n >two/opt/opaque/new; (cd tree && zip -qr ../two/opt/inner.zip opt/kaspersky/kesl/bin);"
	"tar -C two -cf l2.tar opt; mkdir -p three/opt; touch three/opt/.wh.inner.zip;"
	"tar -C three -cf l3.tar opt;";

static const char make_docker[] =
	"mkdir -p d/1 d/2 d/3; cp l1.tar d/1/layer.tar; cp l2.tar d/2/layer.tar; cp l3.tar d/3/layer.tar;"
	"printf '{}' >d/abc.json; printf '{}' >d/def.json;"
	"printf '[{\"Config\":\"abc.json\",\"RepoTags\":[\"stand/in:1\"],"
	"\"Layers\":[\"1/layer.tar\",\"2/layer.tar\",\"3/layer.tar\"]}]' >d/manifest.json;"
	"tar -C d -cf docker.tar .; gzip -k docker.tar;"
	/* the manifest first, the layers in the wrong order */
	"tar -C d -cf order.tar manifest.json abc.json 3 2 1;"
	/* two images share the first layer, by a link; one layer is missing */
	"cp -a d s; rm -r s/3; mkdir s/4; ln -s ../1/layer.tar s/4/layer.tar;"
	"printf '[{\"Config\":\"abc.json\",\"RepoTags\":[\"stand/in:1\"],"
	"\"Layers\":[\"1/layer.tar\",\"2/layer.tar\",\"3/layer.tar\"]},"
	"{\"Config\":\"def.json\",\"RepoTags\":[\"other:2\"],\"Layers\":[\"4/layer.tar\"]}]'"
	" >s/manifest.json; tar -C s -cf shared.tar .;";

static void test_docker(void **state)
{
	static const char *const names[] = {"docker.tar", "docker.tar.gz", "order.tar"};
	struct seen seen;

	standin_shell(make_layers);
	standin_shell(make_docker);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		walk(names[i], &seen);
		expect(&seen, "stand/in:1 1 2 :opt/kaspersky/kesl/bin/kesl standin\n");
		expect(&seen, "stand/in:1 1 2 :opt/gone/a a\n");
		expect(&seen, "stand/in:1 1 2 :opt/gone \n");
		expect(&seen, "stand/in:1 1 2 :opt/opaque/b b\n");
		expect(&seen, "stand/in:1 1 0 :opt/opaque \n");
		expect(&seen, "stand/in:1 1 0 :opt/gonelike z\n");
		expect(&seen, "stand/in:1 2 0 :opt/opaque/new n\n");
		expect(&seen, "stand/in:1 2 3 opt/inner.zip:opt/kaspersky/kesl/bin/kesl standin\n");
		expect_not(&seen, ".wh.");
	}
}

static void test_shared(void **state)
{
	struct seen seen;

	walk("shared.tar", &seen);
	/* deleted in one image, there in the other */
	expect(&seen, "other:2 1 0 :opt/kaspersky/kesl/bin/kesl standin\n");
	expect(&seen, "stand/in:1 3 0 :3/layer.tar !missing\n");
	assert_ptr_equal(strstr(strstr(seen.text, ":opt/gone/a") + 1, ":opt/gone/a"), NULL);
}

/* A later layer hides what it has something else for; directories become one. */
static void test_replaced(void **state)
{
	struct seen seen;

	standin_shell(
		"rm -rf r && mkdir -p r/1/opt/d r/1/opt/k r/2/opt/f r/2/opt/k r/3 r/i && cd r &&"
		"printf old >1/opt/a; printf x >1/opt/d/x; printf f >1/opt/f; printf y >1/opt/k/y;"
		"printf s >1/opt/aa; printf new >2/opt/a; ln -s k 2/opt/d; printf z >2/opt/f/z;"
		"printf y2 >2/opt/k/y2; printf end >3/opt;"
		"for l in 1 2 3; do mkdir i/$l; tar -C $l -cf i/$l/layer.tar $(ls $l); done;"
		"printf '{}' >i/c.json; printf '[{\"Config\":\"c.json\",\"RepoTags\":[\"stand/in:r\"],"
		"\"Layers\":[\"1/layer.tar\",\"2/layer.tar\"]}]' >i/manifest.json;"
		"tar -C i -cf ../two.tar .; sed -i 's,\"2/layer.tar\",&\\,\"3/layer.tar\",'"
		" i/manifest.json; tar -C i -cf ../three.tar .");
	walk("two.tar", &seen);
	expect(&seen, "stand/in:r 1 2r :opt/a old\n");
	expect(&seen, "stand/in:r 2 0 :opt/a new\n");
	expect(&seen, "stand/in:r 1 0 :opt/aa s\n");
	expect(&seen, "stand/in:r 1 2r :opt/d \n");
	expect(&seen, "stand/in:r 1 2r :opt/d/x x\n");
	expect(&seen, "stand/in:r 1 2r :opt/f f\n");
	expect(&seen, "stand/in:r 2 0 :opt/f/z z\n");
	expect(&seen, "stand/in:r 1 0 :opt/k \n");
	expect(&seen, "stand/in:r 1 0 :opt/k/y y\n");
	expect(&seen, "stand/in:r 1 0 :opt \n");
	walk("three.tar", &seen);
	expect(&seen, "stand/in:r 1 2r :opt/a old\n");
	expect(&seen, "stand/in:r 2 3r :opt/a new\n");
	expect(&seen, "stand/in:r 1 3r :opt/k/y y\n");
	expect(&seen, "stand/in:r 3 0 :opt end\n");
}

static const char make_oci[] =
	"put() { h=$(sha256sum <\"$1\" | cut -c1-64); cp \"$1\" o/blobs/sha256/$h; echo $h; };"
	"mkdir -p o/blobs/sha256; gzip -kf l1.tar; zstd -qf l2.tar; printf 'not a tar' >enc;"
	"a=$(put l1.tar.gz); b=$(put l2.tar.zst); e=$(put enc); printf '{\"x\":1}' >config; c=$(put config);"
	"printf unnamed >loose; put loose;"
	"printf '{\"config\":{\"digest\":\"sha256:%s\"},\"layers\":["
	"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:%s\"},"
	"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+zstd\",\"digest\":\"sha256:%s\"},"
	"{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+encrypted\",\"digest\":\"sha256:%s\"},"
	"{\"mediaType\":\"application/vnd.in-toto+json\",\"digest\":\"sha256:%s\"}]}'"
	" $c $a $b $e $c >m; m=$(put m);"
	"printf '{\"manifests\":[{\"digest\":\"sha256:%s\"},{\"digest\":\"sha256:%s\"}]}' $m 00 >i; i=$(put i);"
	"printf '{\"manifests\":[{\"digest\":\"sha256:%s\",\"annotations\":"
	"{\"org.opencontainers.image.ref.name\":\"1\",\"io.containerd.image.name\":\"oci/in:1\"}}]}'"
	" $m >o/index.json; printf '{}' >o/oci-layout; tar -C o -cf oci.tar .;"
	"printf '{\"manifests\":[{\"digest\":\"sha256:%s\"}]}' $i >o/index.json; tar -C o -cf nested.tar .;"
	/* an index that names itself cannot be made by digest, but a tarball may say anything */
	"printf '{\"manifests\":[{\"digest\":\"x:y\"},{\"digest\":\"x:y\"}]}' >o/index.json;"
	"mkdir o/blobs/x; cp o/index.json o/blobs/x/y; tar -C o -cf loop.tar .;";

static void test_oci(void **state)
{
	_cleanup_(psc_container_images_clear) struct psc_container_images images = {0};
	struct seen seen;
	int fd;

	standin_shell(make_oci);
	walk("oci.tar", &seen);
	expect(&seen, "oci/in:1 1 2 :opt/kaspersky/kesl/bin/kesl standin\n");
	expect(&seen, "oci/in:1 2 0 opt/inner.zip:opt/kaspersky/kesl/bin/kesl standin\n");
	expect(&seen, " !unsupported\n");
	expect(&seen, " unnamed\n");
	walk("nested.tar", &seen);
	expect(&seen, "- 1 2 :opt/kaspersky/kesl/bin/kesl standin\n");
	fd = standin_open("oci.tar");
	assert_int_equal(psc_container_images_read(fd, &images), 0);
	close(fd);
	assert_int_equal(images.count, 1);
	assert_string_equal(images.image[0].names[0], "oci/in:1");
	assert_int_equal(images.image[0].layers, 3);
	fd = standin_open("loop.tar");
	assert_int_equal(psc_container_walk(fd, NULL, see, &seen), -E2BIG);
	close(fd);
}

/* Docker of today writes both manifests: one image. */
static void test_both(void **state)
{
	_cleanup_(psc_container_images_clear) struct psc_container_images images = {0};
	_cleanup_close_ int fd = -1;

	standin_shell(
		"rm -rf both; mkdir both; tar -C both -xf oci.tar; cd both;"
		"c=$(sed 's/.*config.:{.digest.:.sha256:\\([0-9a-f]*\\).*/\\1/' ../m);"
		"l=$(sed 's,sha256:,blobs/sha256/,g' ../m | grep -o 'blobs/sha256/[0-9a-f]*' |"
		" sed -n '2,4s/.*/\"&\"/p' | paste -sd,);"
		"printf '[{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[\"tag:1\"],\"Layers\":[%s]}]'"
		" $c \"$l\" >manifest.json; tar -cf ../both.tar .");
	fd = standin_open("both.tar");
	assert_int_equal(psc_container_images_read(fd, &images), 0);
	assert_int_equal(images.count, 1);
	assert_string_equal(images.image[0].names[0], "tag:1");
	assert_string_equal(images.image[0].names[1], "oci/in:1");
}

static void fails(const char *name, int error)
{
	_cleanup_close_ int fd = standin_open(name);
	struct seen seen = {0};

	assert_int_equal(psc_container_walk(fd, NULL, see, &seen), error);
	assert_int_equal(seen.length, 0);
}

static void test_refused(void **state)
{
	_cleanup_close_ int fd = -1;
	struct seen seen = {.result = -ECANCELED};

	standin_shell("mkdir -p r; tar -cf plain.tar l1.tar; printf '[' >r/manifest.json;"
		      "tar -C r -cf broken.tar .; printf '{\"a\":1}' >r/manifest.json;"
		      "tar -C r -cf object.tar .;"
		      "printf '[]},{\"b\":[]' >r/manifest.json; tar -C r -cf trick.tar .;"
		      "printf '[{\"Layers\":[1]}]' >r/manifest.json; tar -C r -cf number.tar .");
	fails("plain.tar", -ENOEXEC);
	fails("l1.tar.gz", -ENOEXEC);
	fails("log", -ENOEXEC);
	fails("broken.tar", -EBADMSG);
	fails("object.tar", -EBADMSG);
	fails("trick.tar", -EBADMSG);
	fails("number.tar", -EBADMSG);
	fd = standin_open("docker.tar");
	assert_int_equal(psc_container_walk(fd, NULL, see, &seen), -ECANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker),	 cmocka_unit_test(test_shared),
		cmocka_unit_test(test_oci),	 cmocka_unit_test(test_both),
		cmocka_unit_test(test_replaced), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, standin_setup, standin_teardown);
}
