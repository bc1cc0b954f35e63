// SPDX-License-Identifier: Apache-2.0
/*
 * Files for the compiler: headers and imports, looked for beside the file that names them, then in
 * the folders of -I, then where the system keeps headers.
 */
#include "cli/script/script.h"

#define FILE_MAX (16u << 20)

static int try_folder(const char *folder, size_t len, const char *name, struct buf *b)
{
	_cleanup_buf_ struct buf path = {};

	buf_add(&path, folder, len);
	if (len)
		buf_add_char(&path, '/');
	buf_add_str(&path, name);
	if (path.error)
		return -ENOMEM;
	return access(path.data, R_OK) ? -ENOENT : read_file(path.data, FILE_MAX, b);
}

int script_read(void *context, const char *name, u32 from_source UNUSED, struct buf *b)
{
	static const char *const system_folders[] = {
		"/usr/local/include",
		"/usr/include",
#if defined(__x86_64__)
		"/usr/include/x86_64-linux-gnu",
#elif defined(__aarch64__)
		"/usr/include/aarch64-linux-gnu",
#endif
	};
	const struct script_command *c = context;
	const char *slash = c->file_count ? strrchr(c->files[0], '/') : NULL;
	int err = -ENOENT;

	if (name[0] == '/')
		return try_folder("", 0, name, b);
	if (slash)
		err = try_folder(c->files[0], (size_t)(slash - c->files[0]), name, b);
	if (err == -ENOENT)
		err = try_folder(".", 1, name, b);
	for (size_t i = 0; err == -ENOENT && i < c->include_folder_count; i++)
		err = try_folder(c->include_folders[i], strlen(c->include_folders[i]), name, b);
	for (size_t i = 0; err == -ENOENT && i < ARRAY_SIZE(system_folders); i++)
		err = try_folder(system_folders[i], strlen(system_folders[i]), name, b);
	return err;
}
