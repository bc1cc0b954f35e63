// SPDX-License-Identifier: Apache-2.0
/*
 * What a cgroup's path says: every container runtime leaves its mark there, each in its own way.
 * A pure function over the path's components, from the root down; the innermost container counts.
 *
 *	/system.slice/docker-<64 hex>.scope		docker and others, systemd's driver
 *	/docker/<64 hex>				docker with the cgroupfs driver
 *	/kubepods.slice/.../kubepods-burstable-pod<uid>.slice/cri-containerd-<64 hex>.scope
 *	/kubepods/burstable/pod<uid>/<64 hex>
 *	/system.slice/containerd.service/kubepods-burstable-pod<uid>.slice:cri-containerd:<64 hex>
 *	/machine.slice/libpod-<64 hex>.scope/container	/machine.slice/machine-NAME.scope
 *	/lxc.payload.NAME/...				/user.slice/user-1000.slice/session-3.scope
 */
#include "host/parse.h"

#define ID_DIGITS 64
#define UID_LENGTH 36

/*
 * What stands before the id in a component; a monitor runs beside its container and is not
 * inside.
 */
static const struct mark {
	const char *prefix, *runtime;
	bool monitor;
} marks[] = {
	{ "docker-", "docker", false },		{ "cri-containerd-", "containerd", false },
	{ "containerd-", "containerd", false }, { "nerdctl-", "containerd", false },
	{ "crio-conmon-", NULL, true },		{ "crio-", "cri-o", false },
	{ "libpod-conmon-", NULL, true },	{ "libpod-", "podman", false },
};

/* The middle of "PARENT:RUNTIME:ID". */
static const struct mark colon_marks[] = {
	{ "cri-containerd", "containerd", false },
	{ "docker", "docker", false },
	{ "crio", "cri-o", false },
	{ "libpod", "podman", false },
};

static bool ends(struct text_span s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.len > n && !memcmp(s.bytes + s.len - n, suffix, n);
}

static struct text_span from(struct text_span s, size_t offset)
{
	return (struct text_span){ s.bytes + offset, s.len - offset };
}

static struct text_span cut(struct text_span s, const char *suffix)
{
	if (ends(s, suffix))
		s.len -= strlen(suffix);
	return s;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_id(struct text_span s)
{
	if (s.len != ID_DIGITS)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_hex(s.bytes[i]))
			return false;
	}
	return true;
}

/*
 * "pod<uid>": 8-4-4-4-12 digits with dashes (or, in systemd's names, underscores), or 32 digits
 * of a static pod.
 */
static bool read_pod_uid(struct text_span s, char ret[40])
{
	size_t digits = 0;

	if (!span_starts(s, "pod"))
		return false;
	s = from(s, 3);
	if (s.len != UID_LENGTH && s.len != 32)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		bool dash = s.bytes[i] == '-' || s.bytes[i] == '_';

		if (!dash && !is_hex(s.bytes[i]))
			return false;
		digits += !dash;
	}
	if (digits != 32)
		return false;
	for (size_t i = 0; i < s.len; i++)
		ret[i] = s.bytes[i] == '_' ? '-' : s.bytes[i];
	ret[s.len] = '\0';
	return true;
}

/*
 * "kubepods-burstable-pod<uid>.slice", "pod<uid>", "burstable": what Kubernetes puts above the
 * container.
 */
static void read_kubernetes(struct text_span c, struct cgroup_identity *ret)
{
	static const char *const classes[] = { "burstable", "besteffort" };

	c = cut(c, ".slice");
	if (span_starts(c, "kubepods")) {
		ret->qos = "guaranteed";
		c = from(c, strlen("kubepods"));
		if (span_starts(c, "-"))
			c = from(c, 1);
	} else if (!ret->qos) {
		return; /* not below kubepods */
	}
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (!span_starts(c, classes[i]))
			continue;
		ret->qos = classes[i];
		c = from(c, strlen(classes[i]));
		if (span_starts(c, "-"))
			c = from(c, 1);
	}
	read_pod_uid(c, ret->pod_uid);
}

/* "kubepods-burstable-pod<uid>.slice:cri-containerd:<id>" */
static bool read_colons(struct text_span c, struct cgroup_identity *ret)
{
	const char *last = c.len ? memrchr(c.bytes, ':', c.len) : NULL;
	const char *first = last ? memrchr(c.bytes, ':', (size_t)(last - c.bytes)) : NULL;
	struct text_span id, middle;

	if (!first)
		return false;
	id = from(c, (size_t)(last + 1 - c.bytes));
	middle = (struct text_span){ first + 1, (size_t)(last - first) - 1 };
	if (!is_id(id))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(colon_marks); i++) {
		if (!span_is(middle, colon_marks[i].prefix))
			continue;
		read_kubernetes((struct text_span){ c.bytes, (size_t)(first - c.bytes) }, ret);
		ret->runtime = colon_marks[i].runtime;
		ret->id = id;
		return true;
	}
	return false;
}

static bool read_named(struct text_span c, const char *prefix, const char *suffix,
		       const char *runtime, struct cgroup_identity *ret)
{
	struct text_span name = cut(c, suffix);

	if (!span_starts(c, prefix) || (*suffix && name.len == c.len) || name.len == strlen(prefix))
		return false;
	ret->runtime = runtime;
	ret->id = from(name, strlen(prefix));
	return true;
}

/* Is this component a container's own? @parent is the component above it. */
static bool read_container(struct text_span c, struct text_span parent, struct cgroup_identity *ret)
{
	struct text_span name = cut(c, ".scope");

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		if (!span_starts(name, marks[i].prefix) ||
		    !is_id(from(name, strlen(marks[i].prefix))))
			continue;
		if (marks[i].monitor)
			return false;
		ret->runtime = marks[i].runtime;
		ret->id = from(name, strlen(marks[i].prefix));
		return true;
	}
	if (is_id(c)) {
		ret->runtime = span_is(parent, "docker") ? "docker" : ret->qos ? "cri" : "oci";
		ret->id = c;
		return true;
	}
	if (span_is(parent, "lxc") || span_is(parent, "lxc.payload"))
		return read_named(c, "", "", "lxc", ret);
	return read_colons(c, ret) || read_named(c, "lxc.payload.", "", "lxc", ret) ||
	       read_named(c, "machine-qemu\\x2d", ".scope", "qemu", ret) ||
	       read_named(c, "machine-", ".scope", "nspawn", ret) ||
	       read_named(c, "systemd-nspawn@", ".service", "nspawn", ret);
}

static bool is_unit(struct text_span c)
{
	static const char *const kinds[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (ends(c, kinds[i]))
			return true;
	}
	return false;
}

void cgroup_identify(const char *path, size_t len, struct cgroup_identity *ret)
{
	struct text_span rest = { path, len }, parent = {};

	*ret = (struct cgroup_identity){};
	while (rest.len) {
		const char *slash = memchr(rest.bytes, '/', rest.len);
		struct text_span c = { rest.bytes,
				       slash ? (size_t)(slash - rest.bytes) : rest.len };

		rest = from(rest, c.len + (slash != NULL));
		if (!c.len)
			continue;
		if (!read_container(c, parent, ret)) {
			read_kubernetes(c, ret);
			/* Units below a container are those of its own systemd. */
			if (!ret->runtime && is_unit(c))
				ret->unit = c;
		}
		parent = c;
	}
}

/* ---- /proc/PID/cgroup -------------------------------------------------------------------- */

/*
 * How good a hierarchy is as a witness when several know something: version 2, systemd's own,
 * then the common ones.
 */
static unsigned rank_of(struct text_span controllers)
{
	static const char *const names[] = { "", "name=systemd", "pids", "memory" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (span_is(controllers, names[i]))
			return i;
	}
	return ARRAY_SIZE(names);
}

struct text_span host_cgroup_of_lines(const char *text, size_t len)
{
	struct text_span rest = { text, len }, line, best = {};
	unsigned best_rank = UINT32_MAX;

	while (next_line(&rest, &line)) {
		const char *first = line.len ? memchr(line.bytes, ':', line.len) : NULL;
		struct text_span controllers, path;
		struct cgroup_identity identity;
		unsigned rank;

		if (!first)
			continue;
		controllers = from(line, (size_t)(first + 1 - line.bytes));
		if (!controllers.len || !(first = memchr(controllers.bytes, ':', controllers.len)))
			continue;
		path = from(controllers, (size_t)(first + 1 - controllers.bytes));
		controllers.len = (size_t)(first - controllers.bytes);
		cgroup_identify(path.bytes, path.len, &identity);
		rank = rank_of(controllers);
		/*
		 * A container is worth more than a unit, a unit more than any other path, among
		 * equals version 2.
		 */
		if (!identity.runtime)
			rank += identity.unit.len ? 10 : rank ? 30 : 20;
		if (rank < best_rank) {
			best_rank = rank;
			best = path;
		}
	}
	return best;
}
