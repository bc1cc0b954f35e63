// SPDX-License-Identifier: Apache-2.0
/* Names of containers from the state files of each runtime, and --container. */
#include "unit/host/fixture.h"
#include "unit/host/groups.h"

#include <sys/stat.h>

#define POD "/kubepods/burstable/pod8f3b1f7e-0c52-4f0b-9a8e-0123456789ab/"
#define STORAGE "/var/lib/containers/storage/overlay-containers/"

static void put_docker(const struct machine *m, const char *id, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/var/lib/docker/containers/%s/config.v2.json", id);
	put_file(
		m, path,
		"{\"ID\":\"%s\",\"Name\":\"/%s\",\"Config\":{\"Image\":\"nginx:1\",\"Labels\":{}}}",
		id, name);
}

static void docker(void **state)
{
	struct machine *m = *state;
	const struct container *c;

	put_docker(m, ID_A, "web");
	c = host_container(m->host, "/system.slice/docker-" ID_A ".scope");
	assert_non_null(c);
	assert_string_equal(c->runtime, "docker");
	assert_string_equal(c->id, ID_A);
	assert_string_equal(c->name, "web");
	assert_string_equal(c->image, "nginx:1");
	assert_null(c->pod_name);
	/* Kept when the runtime has cleaned up. */
	remove_path(m, "/var/lib/docker");
	assert_string_equal(host_container(m->host, "/docker/" ID_A)->name, "web");
	assert_null(host_container(m->host, "/system.slice/a.service"));
}

static void containerd(void **state)
{
	struct machine *m = *state;
	const struct container *c;

	put_file(m, "/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID_A "/config.json",
		 "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"app\","
		 "\"io.kubernetes.cri.image-name\":\"example/app:2\","
		 "\"io.kubernetes.cri.sandbox-name\":\"app-0\","
		 "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}");
	c = host_container(m->host, POD ID_A);
	assert_non_null(c);
	assert_string_equal(c->runtime, "containerd"); /* its file was there */
	assert_string_equal(c->name, "app");
	assert_string_equal(c->image, "example/app:2");
	assert_string_equal(c->pod_name, "app-0");
	assert_string_equal(c->pod_namespace, "prod");
	assert_string_equal(c->pod_uid, "8f3b1f7e-0c52-4f0b-9a8e-0123456789ab");
}

static void podman_and_crio(void **state)
{
	struct machine *m = *state;
	const struct container *c;

	put_file(m, STORAGE "containers.json",
		 "[{\"id\":\"%s\",\"names\":[\"db\"],"
		 "\"metadata\":\"{\\\"image-name\\\":\\\"alpine:3\\\"}\"}]",
		 ID_A);
	c = host_container(m->host, "/machine.slice/libpod-" ID_A ".scope/container");
	assert_string_equal(c->runtime, "podman");
	assert_string_equal(c->name, "db");
	assert_string_equal(c->image, "alpine:3");
	put_file(m, STORAGE ID_B "/userdata/config.json",
		 "{\"annotations\":{\"io.kubernetes.container.name\":\"api\","
		 "\"io.kubernetes.pod.name\":\"api-7\","
		 "\"io.kubernetes.pod.namespace\":\"shop\","
		 "\"io.kubernetes.cri-o.ImageName\":\"quay.io/api:1\","
		 "\"io.kubernetes.pod.uid\":\"u-1\"}}");
	c = host_container(m->host, "/kubepods/crio-" ID_B);
	assert_string_equal(c->runtime, "cri-o");
	assert_string_equal(c->name, "api");
	assert_string_equal(c->image, "quay.io/api:1");
	assert_string_equal(c->pod_name, "api-7");
	assert_string_equal(c->pod_namespace, "shop");
	assert_string_equal(c->pod_uid, "u-1");
}

static void machines_have_names(void **state)
{
	struct machine *m = *state;
	const struct container *c =
		host_container(m->host, "/machine.slice/machine-deb\\x2d12.scope");

	assert_string_equal(c->id, "deb-12");
	assert_string_equal(c->name, "deb-12");
	assert_string_equal(host_container(m->host, "/lxc.payload.web")->name, "web");
}

/*
 * State that is no file, no JSON, or the wrong JSON: the container is there, its names are not
 * known.
 */
static void bad_state(void **state)
{
	struct machine *m = *state;
	const struct container *c;
	char fifo[256];

	put_folder(m, "/var/lib/docker/containers/" ID_A "/x");
	snprintf(fifo, sizeof(fifo), "%s/var/lib/docker/containers/" ID_A "/config.v2.json",
		 m->root);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	c = host_container(m->host, "/docker/" ID_A);
	assert_non_null(c);
	assert_null(c->name);
	put_file(m, "/var/lib/docker/containers/" ID_B "/config.v2.json",
		 "{\"Name\":{},\"Config\":[1]}");
	c = host_container(m->host, "/docker/" ID_B);
	assert_non_null(c);
	assert_null(c->name);
}

static int resolve(struct machine *m, const char *text, size_t *ret_count)
{
	_cleanup_free_ u64 *ids = NULL;

	return host_container_resolve(m->host, text, &ids, ret_count);
}

static void resolve_container(void **state)
{
	struct machine *m = *state;
	size_t count = 0;

	put_cgroup_mount(m);
	put_docker(m, ID_A, "web");
	put_docker(m, ID_B,
		   "0123"); /* a name like the beginning of the other's id: names count first */
	put_folder(m, "/sys/fs/cgroup/docker/" ID_A "/below");
	put_folder(m, "/sys/fs/cgroup/docker/" ID_B);
	assert_int_equal(resolve(m, "web", &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(resolve(m, "01234567", &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(resolve(m, "0123", &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(resolve(m, "we", &count), -ENOENT);
	assert_int_equal(resolve(m, "", &count), -ENOENT);
	put_folder(m, "/sys/fs/cgroup/docker/b1" HEX8 HEX8 HEX8 "0123456789abcd");
	assert_int_equal(resolve(m, "b1", &count), -ENOTUNIQ);
}

int test_container(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(docker, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(containerd, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(podman_and_crio, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(machines_have_names, machine_setup,
						machine_teardown),
		cmocka_unit_test_setup_teardown(bad_state, machine_setup, machine_teardown),
		cmocka_unit_test_setup_teardown(resolve_container, machine_setup, machine_teardown),
	};

	return cmocka_run_group_tests_name("host/container", tests, NULL, NULL);
}
