// SPDX-License-Identifier: Apache-2.0
/*
 * Names, sizes and ownership of the files of an embedded store. SQLite's own files go with the
 * partition that they belong to: deleted before it and renamed with it, so that no log is ever
 * replayed into another file.
 */
#include "store/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

static const char *const beside[] = { "-wal", "-shm", "-journal" };

void partition_list_free(struct partition_list *l)
{
	free(l->files);
	memset(l, 0, sizeof(*l));
}

/* ---- names ----------------------------------------------------------------------------------- */

void partition_name(const struct partition_id *id, char *ret)
{
	time_t start = (time_t)id->start;
	struct tm tm;
	char when[32];

	if (!gmtime_r(&start, &tm) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm))
		snprintf(when, sizeof(when), "invalid");
	snprintf(ret, PARTITION_NAME_MAX, "%s-%u-%u.db", when, id->span, id->part);
}

/*
 * Strict: only what partition_name() writes, with ".corrupt" or ".corrupt.N" behind when it was set
 * aside.
 */
static bool name_parse(const char *name, struct partition_file *ret)
{
	struct partition_file f = { 0 };
	char want[PARTITION_NAME_MAX];
	struct tm tm = { 0 };
	size_t len;
	int n = 0;

	if (strlen(name) >= sizeof(f.name))
		return false;
	if (sscanf(name, "%4d%2d%2dT%2d%2d%2dZ-%9u-%9u.db%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &f.id.span, &f.id.part, &n) != 8 ||
	    !n || !f.id.span)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	f.id.start = (u64)timegm(&tm);
	/* No record is of another time; what is computed from it must not overflow. */
	if (f.id.start > INT64_MAX / NSEC_PER_SEC - f.id.span)
		return false;
	partition_name(&f.id, want);
	len = strlen(want);
	if (strncmp(name, want, len))
		return false;
	f.aside = str_starts(name + len, ".corrupt");
	if (f.aside) {
		const char *rest = name + len + strlen(".corrupt");

		if (*rest == '.')
			rest += 1 + strspn(rest + 1, "0123456789");
		if (*rest)
			return false;
	} else if (name[len]) {
		return false;
	}
	memcpy(f.name, name, strlen(name) + 1);
	*ret = f;
	return true;
}

struct partition_id partition_id_of(u64 wall_ns, u64 span_ns)
{
	u64 span = span_ns / NSEC_PER_SEC;
	u64 second = wall_ns / NSEC_PER_SEC;

	return (struct partition_id){ .start = second - second % span, .span = (u32)span };
}

bool partition_same_span(const struct partition_id *a, const struct partition_id *b)
{
	return a->start == b->start && a->span == b->span;
}

u64 partition_end_ns(const struct partition_id *id)
{
	return (id->start + id->span) * NSEC_PER_SEC - 1;
}

/* ---- listing --------------------------------------------------------------------------------- */

static u64 size_at(int dir, const char *name, const char *suffix)
{
	char path[PARTITION_NAME_MAX + 16];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", name, suffix);
	if (fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return 0;
	/*
	 * What it takes of the disk: SQLite's index of the log is sparse, and a file system may
	 * compress.
	 */
	return (u64)st.st_blocks * 512;
}

static u64 bytes_at(int dir, const char *name)
{
	u64 bytes = size_at(dir, name, "");

	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		bytes += size_at(dir, name, beside[i]);
	return bytes;
}

static int compare_files(const void *va, const void *vb)
{
	const struct partition_file *a = va, *b = vb;

	if (a->id.start != b->id.start)
		return a->id.start < b->id.start ? -1 : 1;
	if (a->id.span != b->id.span)
		return a->id.span < b->id.span ? -1 : 1;
	if (a->id.part != b->id.part)
		return a->id.part < b->id.part ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void close_directory(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int directory_list(const char *directory, struct partition_list *ret)
{
	_cleanup_(partition_list_free) struct partition_list l = { 0 };
	_cleanup_(close_directory) DIR *dir = opendir(directory);
	struct partition_file file;
	struct dirent *entry;

	if (!dir)
		return fail_errno(-errno, "cannot read the store '%s'", directory);
	while ((entry = readdir(dir))) {
		if (!name_parse(entry->d_name, &file))
			continue;
		if (grow(&l.files, &l.capacity, l.count + 1, sizeof(*l.files)))
			return fail(-ENOMEM, "store: out of memory");
		file.bytes = bytes_at(dirfd(dir), file.name);
		l.files[l.count++] = file;
	}
	if (l.count)
		qsort(l.files, l.count, sizeof(*l.files), compare_files);
	partition_list_free(ret);
	*ret = l;
	memset(&l, 0, sizeof(l));
	return 0;
}

u64 directory_partition_bytes(const char *directory, const char *name)
{
	_cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? 0 : bytes_at(dir, name);
}

/* ---- changing -------------------------------------------------------------------------------- */

int directory_delete(const char *directory, const char *name)
{
	_cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PARTITION_NAME_MAX + 16];

	if (dir < 0)
		return fail_errno(-errno, "cannot open the store '%s'", directory);
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		snprintf(path, sizeof(path), "%s%s", name, beside[i]);
		unlinkat(dir, path, 0);
	}
	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return fail_errno(-errno, "cannot delete '%s/%s'", directory, name);
	return 0;
}

int directory_set_aside(const char *directory, const char *name, char *ret)
{
	_cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char to[PARTITION_NAME_MAX], from_path[PARTITION_NAME_MAX + 16],
		to_path[PARTITION_NAME_MAX + 16];
	struct stat st;
	int n = 1;

	if (dir < 0)
		return fail_errno(-errno, "cannot open the store '%s'", directory);
	snprintf(to, sizeof(to), "%.40s.corrupt", name);
	while (!fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW))
		snprintf(to, sizeof(to), "%.40s.corrupt.%d", name, ++n);
	if (renameat(dir, name, dir, to))
		return fail_errno(-errno, "cannot rename '%s/%s'", directory, name);
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		snprintf(from_path, sizeof(from_path), "%s%s", name, beside[i]);
		snprintf(to_path, sizeof(to_path), "%s%s", to, beside[i]);
		/* The log must not stay behind for the next file of that name. */
		if (renameat(dir, from_path, dir, to_path) && errno != ENOENT)
			unlinkat(dir, from_path, 0);
	}
	memcpy(ret, to, strlen(to) + 1);
	return 0;
}

bool directory_has_log(const char *directory, const char *name)
{
	_cleanup_close_ int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir >= 0 && (size_at(dir, name, "-wal") || size_at(dir, name, "-journal"));
}

void directory_remove_orphans(const char *directory)
{
	_cleanup_(close_directory) DIR *dir = opendir(directory);
	struct partition_file file;
	struct dirent *entry;
	char name[256];

	while (dir && (entry = readdir(dir))) {
		for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
			struct stat st;

			if (!str_ends(entry->d_name, beside[i]))
				continue;
			snprintf(name, sizeof(name), "%.*s",
				 (int)(strlen(entry->d_name) - strlen(beside[i])), entry->d_name);
			if (name_parse(name, &file) &&
			    fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
				unlinkat(dirfd(dir), entry->d_name, 0);
		}
	}
}

static int check_owner(int dir, const char *directory)
{
	struct stat st;

	if (fstat(dir, &st))
		return fail_errno(-errno, "cannot stat the store '%s'", directory);
	if (st.st_uid != geteuid())
		return fail(-EPERM,
			    "the store '%s' belongs to user %u, not to this one (%u): chown it, "
			    "or name another",
			    directory, st.st_uid, geteuid());
	if (st.st_mode & 022)
		return fail(-EPERM,
			    "the store '%s' may be written by others (mode %04o): chmod 0700 '%s'",
			    directory, st.st_mode & 07777, directory);
	return 0;
}

int directory_claim(const char *directory)
{
	_cleanup_close_ int dir = -1, lock = -1;
	int err;

	if (mkdir(directory, 0700) && errno != EEXIST)
		return fail_errno(-errno, "cannot make the store '%s'", directory);
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail_errno(-errno, "cannot open the store '%s'", directory);
	err = check_owner(dir, directory);
	if (err)
		return err;
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock < 0)
		return fail_errno(-errno, "cannot open '%s/lock'", directory);
	if (flock(lock, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			return fail(
				-EBUSY,
				"another saker writes to the store '%s': stop it, or name another "
				"directory",
				directory);
		return fail_errno(-errno, "cannot lock '%s/lock'", directory);
	}
	directory_remove_orphans(directory);
	return TAKE_FD(lock);
}
