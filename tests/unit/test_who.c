/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_who.c - /proc/PID/stat and the names that container runtimes give to control groups, with
 * systemd and without, in both hierarchies.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "user/core/timefmt.h"
#include "user/core/who.h"

#define ID    "3f1c0a9e5d7b24680f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"
#define INNER "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
#define UID   "0b0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11"
#define UID_  "0b0f6e0a_6b4e_4f1e_9a53_1f3b8e6f2a11"
#define HASH  "d41d8cd98f00b204e9800998ecf8427e" /* of a static pod */
#define USER  "/user.slice/user-1000.slice/user@1000.service"

static const struct {
	const char *path, *runtime, *id, *pod;
} paths[] = {
	/* no container */
	{"/", NULL, "", ""},
	{"", NULL, "", ""},
	{"/init.scope", NULL, "", ""},
	{"/system.slice/ssh.service", NULL, "", ""},
	{"/system.slice/docker.service", NULL, "", ""},
	{"/system.slice/containerd.service", NULL, "", ""},
	{"/system.slice/system-getty.slice/getty@tty1.service", NULL, "", ""},
	{"/user.slice/user-1000.slice/session-2.scope", NULL, "", ""},
	{USER "/app.slice/app-gnome-firefox-1234.scope", NULL, "", ""},
	/* docker */
	{"/docker/" ID, "docker", ID, ""},
	{"/system.slice/docker-" ID ".scope", "docker", ID, ""},
	{"/system.slice/docker-" ID ".scope (deleted)", "docker", ID, ""},
	{"/system.slice/docker-" ID ".scope/init.scope", "docker", ID, ""},
	{USER "/user.slice/docker-" ID ".scope", "docker", ID, ""},
	{USER "/app.slice/docker.service", NULL, "", ""},
	{"/docker/" ID "/docker/" INNER, "docker", ID, ""},
	{"/docker/" ID "/kubelet/kubepods/besteffort/pod" UID "/" INNER, "docker", ID, ""},
	{"/kubepods/burstable/pod" UID "/" ID, NULL, ID, UID},
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	 ".slice/docker-" ID ".scope",
	 "docker", ID, UID},
	/* containerd */
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
	 ".slice/cri-containerd-" ID ".scope",
	 "containerd", ID, UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope", "containerd", ID,
	 UID},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH
	 ".slice/cri-containerd-" ID ".scope",
	 "containerd", ID, HASH},
	{"/kubelet.slice/kubelet-kubepods.slice/cri-containerd-" ID ".scope", "containerd", ID, ""},
	{"/system.slice/containerd.service/kubepods-burstable-pod" UID_ ".slice:cri-containerd:" ID,
	 "containerd", ID, UID},
	{"/system.slice/nerdctl-" ID ".scope", "containerd", ID, ""},
	{"/default/" ID, NULL, ID, ""},
	{"/k8s.io/" ID, NULL, ID, ""},
	{"/ecs/4cdf2a8b9c1d/" ID, NULL, ID, ""},
	/* cri-o; its monitor is none of the container */
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope", "cri-o", ID, UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope/container", "cri-o", ID,
	 UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" ID ".scope", NULL, "", UID},
	{"/kubepods/besteffort/pod" UID "/crio-" ID, "cri-o", ID, UID},
	/* podman */
	{"/machine.slice/libpod-" ID ".scope", "podman", ID, ""},
	{"/machine.slice/libpod-" ID ".scope/container", "podman", ID, ""},
	{"/machine.slice/libpod-conmon-" ID ".scope", NULL, "", ""},
	{"/libpod_parent/libpod-" ID, "podman", ID, ""},
	{"/machine.slice/machine-libpod_pod_" INNER ".slice/libpod-" ID ".scope", "podman", ID, ""},
	{USER "/user.slice/libpod-" ID ".scope/container", "podman", ID, ""},
	{"/system.slice/web.service/libpod-payload-" ID, "podman", ID, ""},
	/* machines */
	{"/machine.slice/systemd-nspawn@web.service/payload", "systemd-nspawn", "web", ""},
	{"/machine.slice/machine-my\\x2dweb.scope", "systemd-nspawn", "my-web", ""},
	{"/machine.slice/machine-qemu\\x2d1\\x2dguest.scope/libvirt/emulator", NULL, "", ""},
	{"/lxc.payload.web/system.slice/ssh.service", "lxc", "web", ""},
	{"/lxc.monitor.web", NULL, "", ""},
	/* what only looks so */
	{"/system.slice/docker-3f1c.scope", NULL, "", ""},
	{"/system.slice/docker-" ID "0.scope", NULL, "", ""},
	{"/system.slice/machine-.scope", NULL, "", ""},
	{"/system.slice/machine-a\\x00.scope", NULL, "", ""},
	{"/kubepods/pod../x", NULL, "", ""},
	{"/kubepods/podzz0f6e0a-6b4e-4f1e-9a53-1f3b8e6f2a11", NULL, "", ""},
};

static void test_paths(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct psc_who_container got;
		const char *runtime;

		psc_who_container_of(paths[i].path, &got);
		runtime = got.runtime ? got.runtime : "-";
		if (strcmp(got.id, paths[i].id) != 0 || strcmp(got.pod, paths[i].pod) != 0 ||
		    strcmp(runtime, paths[i].runtime ? paths[i].runtime : "-") != 0)
			fail_msg("%s: runtime %s id %s pod %s", paths[i].path, runtime, got.id,
				 got.pod);
	}
}

static const struct {
	const char *text, *path;
	bool unified;
} files[] = {
	/* the unified hierarchy alone */
	{"0::/\n", "/", true},
	{"0::/system.slice/docker-" ID ".scope\n", "/system.slice/docker-" ID ".scope", true},
	{"0::/system.slice/ssh.service", "/system.slice/ssh.service", true},
	/* both, docker without systemd: only the first one knows */
	{"12:pids:/docker/" ID "\n11:cpu,cpuacct:/docker/" ID "\n1:name=systemd:/docker/" ID
	 "\n0::/system.slice/containerd.service\n",
	 "/docker/" ID, false},
	/* with systemd all do: the unified one's is taken */
	{"12:pids:/system.slice/docker-" ID ".scope\n0::/system.slice/docker-" ID ".scope\n",
	 "/system.slice/docker-" ID ".scope", true},
	/* the first hierarchy, no container */
	{"11:memory:/user.slice\n1:name=systemd:/user.slice/user-0.slice/session-1.scope\n0::/\n",
	 "/user.slice/user-0.slice/session-1.scope", false},
	{"4:a:b:/x:/y\n", "/x:/y", false},
	/* nothing */
	{"", NULL, false},
	{"\n\n", NULL, false},
	{"0::\n", NULL, false},
	{"0:", NULL, false},
};

static void test_files(void **state)
{
	char path[PSC_WHO_PATH_MAX], longest[2 * PSC_WHO_PATH_MAX];
	bool unified;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int r = psc_who_parse_cgroup(files[i].text, strlen(files[i].text), path, &unified);

		assert_int_equal(r, files[i].path ? 0 : -ENOENT);
		if (!files[i].path)
			continue;
		assert_string_equal(path, files[i].path);
		assert_int_equal(unified, files[i].unified);
	}
	/* too long: left out rather than cut */
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "0::/", 4);
	assert_int_equal(psc_who_parse_cgroup(longest, sizeof(longest), path, &unified), -ENOENT);
}

#define BEFORE "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "

static void test_stat(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t start;
	} table[] = {
		{"7 (sh) " BEFORE "4711 20 21\n", 0, 4711},
		{"7 (a) S 1 (b\n) " BEFORE "4711 20", 0, 4711},
		{"7 (sh) " BEFORE "18446744073709551615 1", 0, UINT64_MAX},
		{"7 (sh) " BEFORE "18446744073709551616 1", -EBADMSG, 0},
		{"7 (sh) " BEFORE, -EBADMSG, 0},
		{"7 (sh) " BEFORE "-1", -EBADMSG, 0},
		{"7 (sh) S 1 2", -EBADMSG, 0},
		{"7 sh", -EBADMSG, 0},
		{"", -EBADMSG, 0},
	};
	uint64_t start;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		start = 0;
		assert_int_equal(psc_who_parse_stat(table[i].text, strlen(table[i].text), &start),
				 table[i].result);
		assert_true(start == table[i].start);
	}
	assert_true(psc_who_same_start(4711, 47119999999, 100));
	assert_false(psc_who_same_start(4711, 47120000000, 100));
	assert_false(psc_who_same_start(0, 0, 0));
}

static void test_maps(void **state)
{
	static const char maps[] =
		"5581c7e00000-5581c7e02000 r--p 00000000 fe:01 4711                     /usr/bin/x\n"
		"5581c7e02000-5581c7e04000 r-xp 00002000 00:2a 9 \n"
		"nonsense\n"
		"5581c7e02000-5581c7e04000 r-xp 00002000 08:10000 12  /opt/a b (deleted)\n"
		"5581c7e02000-5581c7e04000 r-xp 00002000 fe:01 4712 /not/whole";
	const uint32_t fe01 = 0xfe << 20 | 1;

	assert_true(psc_who_maps_has(maps, sizeof(maps) - 1, 4711, fe01, "/usr/bin/x"));
	assert_false(psc_who_maps_has(maps, sizeof(maps) - 1, 4711, fe01, "/usr/bin/y"));
	assert_false(psc_who_maps_has(maps, sizeof(maps) - 1, 4711, fe01 + 1, "/usr/bin/x"));
	assert_false(psc_who_maps_has(maps, sizeof(maps) - 1, 471, fe01, "/usr/bin/x"));
	assert_true(psc_who_maps_has(maps, sizeof(maps) - 1, 12, 8 << 20 | 0x10000,
				     "/opt/a b (deleted)"));
	assert_false(psc_who_maps_has(maps, sizeof(maps) - 1, 4712, fe01, "/not/whole"));
	assert_false(psc_who_maps_has(maps, sizeof(maps) - 1, 9, 0x2a, ""));
	assert_false(psc_who_maps_has(maps, 0, 4711, fe01, "/usr/bin/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_stat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
