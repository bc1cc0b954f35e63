// SPDX-License-Identifier: Apache-2.0
/*
 * Finding programs and libraries. The dynamic loader's cache is read as it lies on disk; without it
 * (musl, a container) the usual folders are searched.
 */
#include <glob.h>
#include <sys/stat.h>

#include "lang/probes/path.h"

#define CACHE_MAGIC "glibc-ld.so.cache1.1"
#if defined(__x86_64__)
#define CACHE_FLAGS 0x0303
#define TRIPLET "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define CACHE_FLAGS 0x0a03
#define TRIPLET "aarch64-linux-gnu"
#else
#define CACHE_FLAGS 0x0003
#define TRIPLET "linux-gnu"
#endif

/* The cache's file from its magic on, as the loader maps it. */
struct cache_header {
	char magic[20];
	u32 count, strings;
	u32 unused[5];
};
struct cache_entry {
	s32 flags;
	u32 key, value, os;
	u64 hwcap;
};

/* Where the process's / is, as we see it: "/" also in most containers, which move all of it. */
static void root_link(s32 pid, char *to, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	n = readlink(path, to, size - 1);
	to[n > 0 ? n : 0] = '\0';
}

const char *path_root(const struct attach_list *l)
{
	char own[64] = "", theirs[64] = "", path[64], link[4096];

	if (l->pid <= 0)
		return "";
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", l->pid);
	root_link(l->pid, link, sizeof(link));
	if (readlink(path, theirs, sizeof(theirs) - 1) < 0 ||
	    readlink("/proc/self/ns/mnt", own, sizeof(own) - 1) < 0 ||
	    (!strcmp(own, theirs) && !strcmp(link, "/")))
		return "";
	return arena_printf(l->arena, "/proc/%d/root", l->pid);
}

static bool is_file(const char *root, const char *path)
{
	char whole[4200];
	struct stat st;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return !stat(whole, &st) && S_ISREG(st.st_mode);
}

/* ---- libraries ----------------------------------------------------------------------------- */

/* "libc" is libc.so.6, "libc.so.6" itself. */
static bool is_library(const char *key, const char *name)
{
	size_t len = strlen(name);

	return !strcmp(key, name) || (!strncmp(key, name, len) && str_starts(key + len, ".so"));
}

static bool in_cache(const char *root, const char *name, char *ret, size_t size)
{
	_cleanup_buf_ struct buf b = {};
	const struct cache_header *h;
	const char *start, *end;
	char path[300];

	snprintf(path, sizeof(path), "%s/etc/ld.so.cache", root);
	if (read_file(path, 16 << 20, &b))
		return false;
	start = memmem(b.data, b.len, CACHE_MAGIC, strlen(CACHE_MAGIC));
	end = b.data + b.len;
	if (!start || (size_t)(end - start) < sizeof(*h))
		return false;
	h = (const void *)start;
	for (u32 i = 0; i < h->count; i++) {
		struct cache_entry e;
		size_t at = sizeof(*h) + (size_t)i * sizeof(e);

		if (at + sizeof(e) > (size_t)(end - start))
			return false;
		memcpy(&e, start + at, sizeof(e));
		if (e.flags != CACHE_FLAGS || e.key >= (size_t)(end - start) ||
		    e.value >= (size_t)(end - start) || !is_library(start + e.key, name))
			continue;
		snprintf(ret, size, "%s", start + e.value);
		if (is_file(root, ret))
			return true;
	}
	return false;
}

static bool in_folders(const char *root, const char *name, char *ret, size_t size)
{
	static const char *const folders[] = {
		"/lib/" TRIPLET, "/usr/lib/" TRIPLET, "/lib64",		"/usr/lib64",
		"/lib",		 "/usr/lib",	      "/usr/local/lib",
	};

	for (size_t i = 0; i < 2 * ARRAY_SIZE(folders); i++) {
		char pattern[600];
		glob_t g = {};
		bool found;

		snprintf(pattern, sizeof(pattern), "%s%s/%s%s", root, folders[i / 2], name,
			 i % 2 ? ".so*" : "");
		found = !glob(pattern, 0, NULL, &g) && g.gl_pathc > 0;
		if (found)
			snprintf(ret, size, "%s", g.gl_pathv[0] + strlen(root));
		globfree(&g);
		if (found && is_file(root, ret))
			return true;
	}
	return false;
}

/* Through its links, as the kernel will name it. */
static void add_real(const char *root, const char *path, struct names *ret)
{
	char *real = *root ? NULL : realpath(path, NULL);

	names_add(ret, real ? real : path);
	free(real);
}

/* ---- commands, patterns, processes --------------------------------------------------------- */

static bool in_path(const char *root, const char *name, char *ret, size_t size)
{
	const char *at = getenv("PATH");

	for (at = at ? at : "/usr/bin:/bin"; *at; at += strspn(at, ":")) {
		size_t len = strcspn(at, ":");

		snprintf(ret, size, "%.*s/%s", (int)len, at, name);
		if (is_file(root, ret))
			return true;
		at += len;
	}
	return false;
}

static int in_pattern(const char *root, const char *pattern, struct names *ret)
{
	size_t skip = strlen(root);
	char whole[4200];
	glob_t g = {};

	snprintf(whole, sizeof(whole), "%s%s", root, pattern);
	if (!glob(whole, GLOB_BRACE, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++)
			if (is_file("", g.gl_pathv[i]))
				names_add(ret, g.gl_pathv[i] + skip);
	globfree(&g);
	return ret->error;
}

/* Files that the process has mapped to execute; without a process the program of -c. */
static int mapped(const struct attach_list *l, struct names *ret)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_file_ FILE *f = NULL;
	char path[64], root[4096];
	size_t room = 0, skip;

	if (l->pid <= 0) {
		if (l->child_path)
			names_add(ret, l->child_path);
		return l->child_path
			       ? ret->error
			       : fail(-EINVAL, "'*' for a program needs -p PID or -c COMMAND");
	}
	snprintf(path, sizeof(path), "/proc/%d/maps", l->pid);
	f = fopen(path, "re");
	if (!f)
		return fail_errno(-errno, "process %d", l->pid);
	/* the kernel writes paths as we see them, so a changed root stands before them */
	root_link(l->pid, root, sizeof(root));
	skip = strcmp(root, "/") ? strlen(root) : 0;
	while (getline(&line, &room, f) > 0) {
		char permissions[8] = "", *file = strchr(line, '/');

		if (!file || sscanf(line, "%*s %7s", permissions) != 1 || permissions[2] != 'x')
			continue;
		file[strcspn(file, "\n")] = '\0';
		if (str_ends(file, " (deleted)"))
			continue;
		names_add(ret,
			  !strncmp(file, root, skip) && file[skip] == '/' ? file + skip : file);
	}
	return ret->error;
}

int path_find(const struct attach_list *l, const char *name, struct names *ret)
{
	const char *root = path_root(l);
	char path[4096];
	int err = 0;

	if (!*name && l->child_path)
		names_add(ret, l->child_path);
	else if (!strcmp(name, "*") || !*name)
		err = mapped(l, ret);
	else if (has_wildcard(name) && !is_file(root, name))
		err = in_pattern(root, name, ret);
	else if (strchr(name, '/'))
		names_add(ret, name);
	else if (str_starts(name, "lib") && (in_cache(root, name, path, sizeof(path)) ||
					     in_folders(root, name, path, sizeof(path))))
		add_real(root, path, ret);
	else if (in_path(root, name, path, sizeof(path)))
		names_add(ret, path);
	else
		names_add(ret, name);
	names_sort(ret);
	return err ? err : ret->error;
}
