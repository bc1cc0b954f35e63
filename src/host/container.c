// SPDX-License-Identifier: Apache-2.0
/*
 * Containers by cgroup path: what the path says, and the names that the runtime keeps in files.
 * Which file holds what is a table; a container's files are read once, and again, a second later
 * and then ever less often, while something is missing (a container begins before its runtime has
 * written everything down).
 */
#include "host/internal.h"

#include <jansson.h>

#define CONTAINERS_MAX 2048
#define STATE_MAX (4 << 20)
#define RETRY_FIRST NSEC_PER_SEC
#define RETRY_LAST (64 * NSEC_PER_SEC)

struct container_entry {
	struct cache_item item;
	struct container c; /* texts are owned, runtime is not */
	char pod_uid[40];
	u64 next_read, wait; /* while something is missing, less and less often */
	bool complete;
};

static void entry_free(struct container_entry *e)
{
	free((void *)e->c.id);
	free((void *)e->c.name);
	free((void *)e->c.image);
	free((void *)e->c.pod_name);
	free((void *)e->c.pod_namespace);
	free(e);
}

void containers_free(struct cache *c)
{
	struct cache_item *item;

	while ((item = cache_take_oldest(c)))
		entry_free(item_of(item, struct container_entry, item));
	cache_free(c);
}

/* ---- state files ------------------------------------------------------------------------- */

/* The members of an object that may hold a fact, in the order in which they are believed. */
static const char *const name_keys[] = {
	"io.kubernetes.cri.container-name",
	"io.kubernetes.container.name",
	"io.kubernetes.cri-o.ContainerName",
	"nerdctl/name",
	NULL,
};
static const char *const image_keys[] = {
	"io.kubernetes.cri.image-name",
	"io.kubernetes.cri-o.ImageName",
	"nerdctl/image-name",
	NULL,
};
static const char *const pod_name_keys[] = {
	"io.kubernetes.cri.sandbox-name",
	"io.kubernetes.pod.name",
	NULL,
};
static const char *const pod_namespace_keys[] = {
	"io.kubernetes.cri.sandbox-namespace",
	"io.kubernetes.pod.namespace",
	NULL,
};
static const char *const pod_uid_keys[] = {
	"io.kubernetes.cri.sandbox-uid",
	"io.kubernetes.pod.uid",
	NULL,
};

/* The first one stays: better sources are asked first. */
static void keep(const char **slot, const json_t *text)
{
	const char *s = json_string_value(text);

	if (s && *s && !*slot)
		*slot = strdup(s);
}

static void keep_first(const char **slot, const json_t *o, const char *const *keys)
{
	for (; *keys; keys++)
		keep(slot, json_object_get(o, *keys));
}

/* Annotations or labels; both have the same names for what we want. */
static void read_labels(struct container_entry *e, const json_t *labels)
{
	const char *uid = NULL;

	keep_first(&e->c.name, labels, name_keys);
	keep_first(&e->c.image, labels, image_keys);
	keep_first(&e->c.pod_name, labels, pod_name_keys);
	keep_first(&e->c.pod_namespace, labels, pod_namespace_keys);
	if (!*e->pod_uid) {
		keep_first(&uid, labels, pod_uid_keys);
		snprintf(e->pod_uid, sizeof(e->pod_uid), "%s", uid ? uid : "");
		free((void *)uid);
	}
}

/*
 * docker: config.v2.json. Kubernetes' own names, where there are any, are better than
 * "/k8s_app_web-0_...".
 */
static void read_docker(struct container_entry *e, const json_t *o)
{
	const json_t *config = json_object_get(o, "Config");
	const char *name = json_string_value(json_object_get(o, "Name"));

	read_labels(e, json_object_get(config, "Labels"));
	if (name && !e->c.name && *name)
		e->c.name = strdup(name + (*name == '/'));
	keep(&e->c.image, json_object_get(config, "Image"));
}

/* containerd, cri-o: the OCI run-time's config.json. */
static void read_oci(struct container_entry *e, const json_t *o)
{
	const json_t *annotations = json_object_get(o, "annotations");

	read_labels(e, annotations);
	/* The container that only holds the pod's name spaces has no name in the pod. */
	if (!e->c.name &&
	    json_string_value(json_object_get(annotations, "io.kubernetes.cri.sandbox-name")))
		e->c.name = strdup("POD");
}

/*
 * podman and cri-o: containers.json, a list of all; what the engine knows is JSON again, as a
 * text.
 */
static void read_storage(struct container_entry *e, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach((json_t *)list, i, o) {
		const char *id = json_string_value(json_object_get(o, "id"));
		const char *metadata = json_string_value(json_object_get(o, "metadata"));
		json_auto_t *m = NULL;

		if (!id || strcmp(id, e->c.id))
			continue;
		m = metadata ? json_loads(metadata, 0, NULL) : NULL;
		keep(&e->c.name, json_object_get(m, "metadata-name")); /* cri-o */
		keep(&e->c.name, json_array_get(json_object_get(o, "names"), 0));
		keep(&e->c.name, json_object_get(m, "name"));
		keep(&e->c.image, json_object_get(m, "image-name"));
		keep(&e->c.pod_name, json_object_get(m, "pod-name"));
		return;
	}
}

#define CONTAINERD "/run/containerd/io.containerd.runtime.v2.task/"
#define STORAGE_LIB "/var/lib/containers/storage/overlay-containers/"
#define STORAGE_RUN "/run/containers/storage/overlay-containers/"

/*
 * %s, where there is one, is the container's id. Runtimes: see cgroup_identify(); "cri" and "oci"
 * try all.
 */
static const struct state_file {
	const char *runtime, *path;
	void (*read)(struct container_entry *e, const json_t *o);
} state_files[] = {
	{ "docker", "/var/lib/docker/containers/%s/config.v2.json", read_docker },
	{ "containerd", CONTAINERD "k8s.io/%s/config.json", read_oci },
	{ "containerd", CONTAINERD "default/%s/config.json", read_oci },
	{ "cri-o", STORAGE_RUN "%s/userdata/config.json", read_oci },
	{ "cri-o", STORAGE_LIB "%s/userdata/config.json", read_oci },
	{ "cri-o", STORAGE_LIB "containers.json", read_storage },
	{ "podman", STORAGE_LIB "containers.json", read_storage },
};

static void read_state(struct host *h, struct container_entry *e)
{
	bool any = !strcmp(e->c.runtime, "cri") || !strcmp(e->c.runtime, "oci");
	char path[PATH_SIZE], below[PATH_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(state_files); i++) {
		const struct state_file *s = &state_files[i];
		json_auto_t *o = NULL;

		if (!any && strcmp(s->runtime, e->c.runtime))
			continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(below, sizeof(below), s->path, e->c.id);
#pragma GCC diagnostic pop
		if (read_regular(host_path(h, path, "%s", below), STATE_MAX, &h->text))
			continue;
		o = json_loadb(buf_str(&h->text), h->text.len, 0, NULL);
		if (!o)
			continue;
		s->read(e, o);
		if (any && e->c.name)
			e->c.runtime = s->runtime; /* whose file it is says whose container it is */
		if (e->c.name && e->c.image)
			return;
	}
}

/* ---- lookup ------------------------------------------------------------------------------ */

/* systemd writes "-" in a name as "\x2d"; other bytes likewise. */
static char *unescaped(struct text_span s)
{
	char *text = malloc(s.len + 1);
	size_t n = 0;

	for (size_t i = 0; text && i < s.len; i++) {
		u64 byte;

		if (i + 4 <= s.len && s.bytes[i] == '\\' && s.bytes[i + 1] == 'x') {
			char number[5] = { '0', 'x', s.bytes[i + 2], s.bytes[i + 3] };

			if (!parse_u64(number, &byte) && byte) {
				text[n++] = (char)byte;
				i += 3;
				continue;
			}
		}
		text[n++] = s.bytes[i];
	}
	if (text)
		text[n] = '\0';
	return text;
}

static struct container_entry *find(struct host *h, const char *id)
{
	struct cache_item *item = cache_find(&h->containers, hash_text(id, strlen(id)));

	for (; item; item = cache_next(item)) {
		struct container_entry *e = item_of(item, struct container_entry, item);

		if (!strcmp(e->c.id, id))
			return e;
	}
	return NULL;
}

static struct container_entry *add(struct host *h, char *id, const struct cgroup_identity *identity)
{
	struct container_entry *e = calloc(1, sizeof(*e));

	if (!e || cache_add(&h->containers, &e->item, hash_text(id, strlen(id)))) {
		free(e);
		free(id);
		return NULL;
	}
	e->c.id = id;
	e->c.runtime = identity->runtime;
	memcpy(e->pod_uid, identity->pod_uid, sizeof(e->pod_uid));
	if (identity->id.len != 64 &&
	    (e->c.name = strdup(id))) /* lxc and machines are known by name */
		e->complete = true;
	if (h->containers.count > CONTAINERS_MAX) {
		struct cache_item *oldest = cache_take_oldest(&h->containers);

		entry_free(item_of(oldest, struct container_entry, item));
	}
	return e;
}

const struct container *host_container(struct host *h, const char *path)
{
	struct cgroup_identity identity;
	struct container_entry *e;
	char *id;

	cgroup_identify(path, strlen(path), &identity);
	if (!identity.runtime)
		return NULL;
	id = unescaped(identity.id);
	if (!id)
		return NULL;
	e = find(h, id);
	if (e)
		free(id);
	else
		e = add(h, id, &identity);
	if (!e)
		return NULL;
	cache_touch(&h->containers, &e->item);
	if (!e->complete) {
		u64 now = clock_monotonic_ns();

		if (now >= e->next_read) {
			read_state(h, e);
			e->wait = e->wait ? MIN(e->wait * 2, RETRY_LAST) : RETRY_FIRST;
			e->next_read = now + e->wait;
			e->complete = e->c.name && e->c.image;
		}
	}
	e->c.pod_uid = *e->pod_uid ? e->pod_uid : NULL;
	return &e->c;
}
