// SPDX-License-Identifier: Apache-2.0
/* Cgroups and containers: what paths say, ids to paths, and the runtimes' state files. */
#include "unit/host/fixture.h"
#include "unit/host/groups.h"

#define UID_DASHES "8f3b1f7e-0c52-4f0b-9a8e-0123456789ab"
#define UID_SCORES "8f3b1f7e_0c52_4f0b_9a8e_0123456789ab"

static const struct path_case {
	const char *path, *runtime, *id, *pod, *qos, *unit;
} cases[] = {
	{ "/", NULL, "", "", NULL, "" },
	{ "", NULL, "", "", NULL, "" },
	{ "/system.slice/nginx.service", NULL, "", "", NULL, "nginx.service" },
	{ "/user.slice/user-1000.slice/session-3.scope", NULL, "", "", NULL, "session-3.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service", NULL, "", "", NULL,
	  "a.service" },
	{ "/system.slice/docker-" ID_A ".scope", "docker", ID_A, "", NULL, "" },
	{ "/docker/" ID_A, "docker", ID_A, "", NULL, "" },
	{ "/docker/" ID_A "/init.scope", "docker", ID_A, "", NULL, "" },
	{ "/system.slice/docker.service", NULL, "", "", NULL, "docker.service" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_SCORES
	  ".slice/cri-containerd-" ID_A ".scope",
	  "containerd", ID_A, UID_DASHES, "burstable", "" },
	{ "/kubepods.slice/kubepods-pod" UID_SCORES ".slice/crio-" ID_A ".scope/container", "cri-o",
	  ID_A, UID_DASHES, "guaranteed", "" },
	{ "/kubepods.slice/kubepods-pod" UID_SCORES ".slice/crio-conmon-" ID_A ".scope", NULL, "",
	  UID_DASHES, "guaranteed", "crio-conmon-" ID_A ".scope" },
	{ "/kubepods/besteffort/pod" UID_DASHES "/" ID_A, "cri", ID_A, UID_DASHES, "besteffort",
	  "" },
	{ "/kubepods/pod" UID_DASHES "/crio-" ID_A, "cri-o", ID_A, UID_DASHES, "guaranteed", "" },
	{ "/kubepods/burstable/pod" HEX8 HEX8 "/" ID_A, "cri", ID_A, HEX8 HEX8, "burstable", "" },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_SCORES
	  ".slice:cri-containerd:" ID_A,
	  "containerd", ID_A, UID_DASHES, "burstable", "containerd.service" },
	{ "/machine.slice/libpod-" ID_A ".scope/container", "podman", ID_A, "", NULL, "" },
	{ "/machine.slice/libpod-conmon-" ID_A ".scope", NULL, "", "", NULL,
	  "libpod-conmon-" ID_A ".scope" },
	{ "/libpod_parent/libpod-" ID_A, "podman", ID_A, "", NULL, "" },
	{ "/lxc.payload.web/system.slice/ssh.service", "lxc", "web", "", NULL, "" },
	{ "/lxc/web", "lxc", "web", "", NULL, "" },
	{ "/lxc.monitor.web", NULL, "", "", NULL, "" },
	{ "/machine.slice/machine-deb\\x2d12.scope/payload", "nspawn", "deb\\x2d12", "", NULL, "" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", "qemu", "1\\x2dvm", "", NULL, "" },
	{ "/machine.slice/systemd-nspawn@deb.service/payload", "nspawn", "deb", "", NULL, "" },
	{ "/ecs/1234/" ID_A, "oci", ID_A, "", NULL, "" },
	/* the innermost counts */
	{ "/docker/" ID_A "/kubelet/kubepods/pod" UID_DASHES "/" ID_B, "cri", ID_B, UID_DASHES,
	  "guaranteed", "" },
	/* nearly an id */
	{ "/docker/" HEX8 HEX8 HEX8 "0123456789abcdeg", NULL, "", "", NULL, "" },
	{ "/system.slice/docker-1234.scope", NULL, "", "", NULL, "docker-1234.scope" },
};

static void assert_span(struct text_span s, const char *want)
{
	_cleanup_free_ char *text = strndup(s.bytes ? s.bytes : "", s.len);

	assert_string_equal(text, want);
}

static void assert_text(const char *got, const char *want)
{
	if (!want)
		assert_null(got);
	else
		assert_string_equal(got ? got : "NULL", want);
}

static void paths(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct path_case *c = &cases[i];
		struct cgroup_identity got;

		cgroup_identify(c->path, strlen(c->path), &got);
		assert_text(got.runtime, c->runtime);
		assert_span(got.id, c->id);
		assert_string_equal(got.pod_uid, c->pod);
		assert_text(got.qos, c->qos);
		assert_span(got.unit, c->unit);
	}
}

static void lines(void **state UNUSED)
{
	static const char v2[] = "0::/system.slice/a.service\n";
	static const char hybrid[] = "9:name=systemd:/docker/" ID_A "\n8:pids:/docker/" ID_A
				     "\n4:memory:/x/y\n0::/\n";
	static const char nothing[] = "9:name=systemd:/\n4:memory:/x/y\n0::/\n";
	static const char unit[] = "5:memory:/\n1:name=systemd:/system.slice/a.service\n0::/\n";

	assert_span(host_cgroup_of_lines(v2, sizeof(v2) - 1), "/system.slice/a.service");
	assert_span(host_cgroup_of_lines(hybrid, sizeof(hybrid) - 1), "/docker/" ID_A);
	assert_span(host_cgroup_of_lines(nothing, sizeof(nothing) - 1), "/");
	assert_span(host_cgroup_of_lines(unit, sizeof(unit) - 1), "/system.slice/a.service");
	assert_span(host_cgroup_of_lines("x\n::\n", 5), "");
}

int test_cgroup_path(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(paths), cmocka_unit_test(lines) };

	return cmocka_run_group_tests_name("host/cgroup_path", tests, NULL, NULL);
}

/* ---- ids ----------------------------------------------------------------------------------- */

static void ids_are_found_and_kept(void **state)
{
	struct machine *m = *state;
	u64 id;

	put_cgroup_mount(m);
	put_folder(m, "/sys/fs/cgroup/system.slice/a.service");
	id = inode_of(m, "/sys/fs/cgroup/system.slice/a.service");
	assert_string_equal(host_cgroup_path(m->host, id), "/system.slice/a.service");
	assert_string_equal(host_cgroup_path(m->host, inode_of(m, "/sys/fs/cgroup")), "/");
	remove_path(m, "/sys/fs/cgroup/system.slice");
	assert_string_equal(host_cgroup_path(m->host, id), "/system.slice/a.service");
	assert_null(host_cgroup_path(m->host, 1));
}

static void no_hierarchy(void **state)
{
	struct machine *m = *state;
	size_t count = 77;
	u64 *ids = NULL;

	assert_null(host_cgroup_path(m->host, 5));
	assert_int_equal(host_cgroup_resolve(m->host, "/", &ids, &count), -EOPNOTSUPP);
	assert_int_equal(count, 77);
}

static bool has(const u64 *ids, size_t count, u64 id)
{
	for (size_t i = 0; i < count; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

static void resolve_cgroup(void **state)
{
	static const char *const ways[] = { "/system.slice", "system.slice",
					    "/sys/fs/cgroup/system.slice", "/system.slice/", NULL };
	struct machine *m = *state;
	char number[32];
	u64 slice, unit;

	put_cgroup_mount(m);
	put_folder(m, "/sys/fs/cgroup/system.slice/a.service");
	put_folder(m, "/sys/fs/cgroup/other");
	slice = inode_of(m, "/sys/fs/cgroup/system.slice");
	unit = inode_of(m, "/sys/fs/cgroup/system.slice/a.service");
	snprintf(number, sizeof(number), "%llu", (unsigned long long)slice);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		_cleanup_free_ u64 *ids = NULL;
		size_t count = 0;

		assert_int_equal(
			host_cgroup_resolve(m->host, ways[i] ? ways[i] : number, &ids, &count), 0);
		assert_int_equal(count, 2);
		assert_true(has(ids, count, slice) && has(ids, count, unit));
	}
}

static void resolve_refuses(void **state)
{
	static const char *const bad[] = {
		"/nowhere", "/../..", "..", "", "18446744073709551615", "/system.slice/../.."
	};
	struct machine *m = *state;
	u64 *ids = NULL;
	size_t count = 77;

	put_cgroup_mount(m);
	put_folder(m, "/sys/fs/cgroup/system.slice");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(host_cgroup_resolve(m->host, bad[i], &ids, &count), -ENOENT);
	assert_int_equal(count, 77);
}

int test_cgroup(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ids_are_found_and_kept, machine_setup,
						machine_teardown),
		cmocka_unit_test_setup_teardown(no_hierarchy, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(resolve_cgroup, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(resolve_refuses, machine_setup, machine_teardown),
	};

	return cmocka_run_group_tests_name("host/cgroup", tests, NULL, NULL);
}
