// SPDX-License-Identifier: Apache-2.0
/*
 * Cgroup paths as anybody names them: what is found must lie inside the path, an id and a pod's uid
 * must look like one, and the best of several lines must be one of the lines' paths.
 */
#include "host/host.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_span(struct text_span s, const char *path, size_t size)
{
	if (s.len && (s.bytes < path || s.bytes + s.len > path + size))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_free_ char *path = malloc(size + 1);
	struct cgroup_identity identity;
	struct text_span best;

	if (!path)
		return 0;
	memcpy(path, size ? (const char *)data : "", size);
	cgroup_identify(path, size, &identity);
	check_span(identity.id, path, size);
	check_span(identity.unit, path, size);
	if (identity.runtime && !identity.id.len)
		abort();
	if (strlen(identity.pod_uid) != 0 && strlen(identity.pod_uid) != 32 &&
	    strlen(identity.pod_uid) != 36)
		abort();
	best = host_cgroup_of_lines(path, size);
	check_span(best, path, size);
	if (best.len && memchr(best.bytes, '\n', best.len))
		abort();
	return 0;
}
