// SPDX-License-Identifier: Apache-2.0
/*
 * What there is to attach to, by BTF: the kernel's functions, raw tracepoints and iterators, its
 * modules', and the programs that are loaded.
 */
#include <bpf/bpf.h>
#include <dirent.h>

#include "kernel/hook.h"
#include "kernel/kernel_btf.h"

#define TRACE_PREFIX "btf_trace_"
#define ITER_PREFIX "bpf_iter__"

/* Calls @fn for the names of one kind that have @prefix, from id @from on, without the prefix. */
static bool each_of(const struct kernel_btf *b, u32 from, unsigned kind, const char *prefix,
		    const char *module, hook_name_fn *fn, void *context)
{
	const size_t len = strlen(prefix);

	for (u32 id = from; id < kernel_btf_count(b); id++) {
		const struct btf_type *t = kernel_btf_type(b, id);
		const char *name;

		if (!t || btf_kind_of(t) != kind)
			continue;
		name = kernel_btf_string(b, t->name_off);
		if (!strncmp(name, prefix, len) && name[len] && !fn(context, module, name + len))
			return false;
	}
	return true;
}

static int each_in_modules(const struct kernel_btf *base, unsigned kind, const char *prefix,
			   hook_name_fn *fn, void *context)
{
	DIR *dir = opendir("/sys/kernel/btf");
	struct dirent *entry;
	bool more = true;

	while (dir && more && (entry = readdir(dir))) {
		_cleanup_(kernel_btf_freep) struct kernel_btf *b = NULL;
		char path[sizeof(entry->d_name) + 32];

		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, "vmlinux"))
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/btf/%s", entry->d_name);
		if (!kernel_btf_open(path, base, &b))
			more = each_of(b, kernel_btf_count(base), kind, prefix, entry->d_name, fn,
				       context);
	}
	if (dir)
		closedir(dir);
	return 0;
}

static int each_name(bool modules, unsigned kind, const char *prefix, hook_name_fn *fn,
		     void *context)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;
	int err = kernel_btf_get(&b);

	if (err)
		return err;
	if (each_of(b, 1, kind, prefix, NULL, fn, context) && modules)
		return each_in_modules(b, kind, prefix, fn, context);
	return 0;
}

int hook_raw_tracepoints(hook_name_fn *fn, void *context)
{
	return each_name(true, BTF_KIND_TYPEDEF, TRACE_PREFIX, fn, context);
}

int hook_btf_functions(bool modules, hook_name_fn *fn, void *context)
{
	return each_name(modules, BTF_KIND_FUNC, "", fn, context);
}

int hook_iterators(hook_name_fn *fn, void *context)
{
	return each_name(false, BTF_KIND_STRUCT, ITER_PREFIX, fn, context);
}

bool hook_has_function(const char *name)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;

	if (kernel_btf_get(&b))
		return false;
	return str_starts(name, TRACE_PREFIX) ? kernel_btf_typedef(b, name) > 0
					      : kernel_btf_function(b, name) > 0;
}

struct wanted {
	const char *module, *name;
	char *ret_module;
	size_t size;
	bool found;
};

static bool is_wanted(void *context, const char *module, const char *name)
{
	struct wanted *w = context;

	w->found = !strcmp(name, w->name) && (!w->module || !strcmp(module, w->module));
	if (w->found)
		snprintf(w->ret_module, w->size, "%s", module);
	return !w->found;
}

static int module_function_id(const struct kernel_btf *base, const char *module, const char *name)
{
	_cleanup_(kernel_btf_freep) struct kernel_btf *b = NULL;
	char path[128];
	int err;

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", module);
	err = kernel_btf_open(path, base, &b);
	if (err)
		return err;
	return kernel_btf_function(b, name);
}

int hook_function_id(const char *module, const char *name, char *ret_module, size_t size)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;
	struct wanted w = { module, name, ret_module, size, false };
	int id = kernel_btf_get(&b);

	if (id)
		return id;
	*ret_module = '\0';
	if (module && !strcmp(module, "vmlinux"))
		return kernel_btf_function(b, name);
	if (!module) {
		id = kernel_btf_function(b, name);
		if (id > 0)
			return id;
		each_in_modules(b, BTF_KIND_FUNC, "", is_wanted, &w);
		if (!w.found)
			return -ENOENT;
		module = ret_module;
	} else {
		snprintf(ret_module, size, "%s", module);
	}
	return module_function_id(b, module, name);
}

int hook_iterator_id(const char *name)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *b = NULL;
	char function[128];
	int err = kernel_btf_get(&b);

	if (err)
		return err;
	snprintf(function, sizeof(function), "bpf_iter_%s", name);
	return kernel_btf_function(b, function);
}

/* ---- descriptors of what is loaded --------------------------------------------------------- */

int hook_module_btf(const char *module)
{
	u32 id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		_cleanup_close_ int fd = bpf_btf_get_fd_by_id(id);
		char name[64] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
		u32 size = sizeof(info);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.kernel_btf &&
		    !strcmp(name, module))
			return TAKE_FD(fd);
	}
	return fail(-ENOENT, "module %s is not loaded, or has no BTF", module);
}

static int program_btf(u32 btf_id, struct kernel_btf **ret)
{
	_cleanup_close_ int fd = bpf_btf_get_fd_by_id(btf_id);
	struct bpf_btf_info info = {};
	u32 size = sizeof(info);
	_cleanup_free_ void *bytes = NULL;

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	bytes = malloc(info.btf_size + 1);
	if (!bytes)
		return fail(-ENOMEM, "out of memory");
	info = (struct bpf_btf_info){ .btf = (uintptr_t)bytes, .btf_size = info.btf_size };
	size = sizeof(info);
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	return kernel_btf_parse(bytes, info.btf_size, ret);
}

/* The BTF id and name of the program's first function; false when it has no BTF. */
static bool main_function(int program, u32 *ret_id, char *name, size_t name_size)
{
	_cleanup_(kernel_btf_freep) struct kernel_btf *b = NULL;
	_cleanup_free_ struct bpf_func_info *functions = NULL;
	struct bpf_prog_info info = {};
	u32 size = sizeof(info), count, each, btf;
	const struct btf_type *t;

	if (bpf_obj_get_info_by_fd(program, &info, &size) || !info.btf_id || !info.nr_func_info)
		return false;
	count = info.nr_func_info;
	each = info.func_info_rec_size;
	btf = info.btf_id;
	functions = calloc(count, MAX(each, (u32)sizeof(*functions)));
	info = (struct bpf_prog_info){ .func_info = (uintptr_t)functions,
				       .nr_func_info = count,
				       .func_info_rec_size = each };
	size = sizeof(info);
	if (!functions || bpf_obj_get_info_by_fd(program, &info, &size) || program_btf(btf, &b))
		return false;
	t = kernel_btf_type(b, functions[0].type_id);
	if (!t || btf_kind_of(t) != BTF_KIND_FUNC)
		return false;
	snprintf(name, name_size, "%s", kernel_btf_string(b, t->name_off));
	*ret_id = functions[0].type_id;
	return true;
}

int hook_program(const char *name, u32 number, u32 *ret_id)
{
	u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		_cleanup_close_ int fd = -1;
		char its_name[256];
		u32 function;

		if (number && id != number)
			continue;
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0 || !main_function(fd, &function, its_name, sizeof(its_name)))
			continue;
		if (name && strcmp(its_name, name))
			continue;
		*ret_id = function;
		return TAKE_FD(fd);
	}
	return name ? fail(-ENOENT, "no program '%s' with BTF is loaded", name)
		    : fail(-ENOENT, "no program %u with BTF is loaded", number);
}

int hook_programs(hook_name_fn *fn, void *context)
{
	u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
		char name[256], number[16];
		u32 function;

		snprintf(number, sizeof(number), "%u", id);
		if (fd >= 0 && main_function(fd, &function, name, sizeof(name)) &&
		    !fn(context, number, name))
			break;
	}
	return 0;
}

int hook_pin(int fd, const char *path)
{
	return bpf_obj_pin(fd, path) ? fail_errno(-errno, "%s", path) : 0;
}

u64 hook_misses(int program)
{
	struct bpf_prog_info info = {};
	u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &size) ? UINT64_MAX : info.recursion_misses;
}
