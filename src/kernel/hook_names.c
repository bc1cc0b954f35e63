// SPDX-License-Identifier: Apache-2.0
/*
 * What there is to attach to, by name: functions from tracefs or kallsyms (each read once, in one
 * pass, and only when somebody asks), CPUs, and closing what was attached.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kernel/hook.h"
#include "kernel/hook_internal.h"
#include "kernel/object.h"

/* Cuts "name [module]" in two. */
static void split_module(char *line, char **ret_module)
{
	size_t len = strcspn(line, " \t\n");
	char *open;

	*ret_module = NULL;
	if (!line[len] || line[len] == '\n') {
		line[len] = '\0';
		return;
	}
	open = strchr(line + len, '[');
	line[len] = '\0';
	if (!open)
		return;
	open[1 + strcspn(open + 1, "]\n")] = '\0';
	*ret_module = open + 1;
}

static bool is_text(char type)
{
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

/* "ffffffff81000000 T name [module]"; @fn is called for text symbols until it returns false. */
static int each_symbol(bool (*fn)(void *context, u64 address, const char *module, const char *name),
		       void *context)
{
	_cleanup_file_ FILE *f = fopen("/proc/kallsyms", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	if (!f)
		return fail_errno(-errno, "/proc/kallsyms");
	while (getline(&line, &room, f) > 0) {
		char *end, *module;
		u64 address = strtoull(line, &end, 16);

		if (end == line || *end != ' ' || !is_text(end[1]) || end[2] != ' ')
			continue;
		split_module(end + 3, &module);
		if (!fn(context, address, module, end + 3))
			break;
	}
	return 0;
}

struct each_name {
	hook_name_fn *fn;
	void *context;
};

static bool give_name(void *context, u64 address, const char *module, const char *name)
{
	const struct each_name *e = context;

	return e->fn(e->context, module, name);
}

int hook_functions(const char *file, hook_name_fn *fn, void *context)
{
	const char *root = file ? NULL : tracefs_path();
	_cleanup_free_ char *line = NULL;
	_cleanup_file_ FILE *f = NULL;
	char path[256], *module;
	size_t room = 0;

	snprintf(path, sizeof(path), "%s/available_filter_functions", root ? root : "");
	f = file || root ? fopen(file ? file : path, "re") : NULL;
	if (!f && file)
		return fail_errno(-errno, "%s", file);
	if (!f || getline(&line, &room, f) <= 0) {
		struct each_name e = { fn, context };

		return each_symbol(give_name, &e);
	}
	setvbuf(f, NULL, _IOFBF, 1 << 16);
	do {
		split_module(line, &module);
		if (str_starts(line, "__ftrace_invalid_address__"))
			continue;
		if (*line && !fn(context, module, line))
			break;
	} while (getline(&line, &room, f) > 0);
	return 0;
}

struct wanted_symbol {
	const char *module, *name;
	u64 address;
	bool found;
};

static bool compare_symbol(void *context, u64 address, const char *module, const char *name)
{
	struct wanted_symbol *w = context;

	if (strcmp(name, w->name) || (w->module && strcmp(module ? module : "vmlinux", w->module)))
		return true;
	w->address = address;
	w->found = true;
	return false;
}

int hook_symbol(const char *module, const char *name, u64 *ret)
{
	struct wanted_symbol w = { .module = module, .name = name };
	int err = each_symbol(compare_symbol, &w);

	if (!err && !w.found)
		err = fail(-ENOENT, "function %s does not exist on this kernel", name);
	if (!err)
		*ret = w.address;
	return err;
}

/* "0-3,8,10-11" */
int hook_cpus(int **ret, size_t *ret_count)
{
	_cleanup_free_ int *cpus = NULL;
	size_t count = 0, capacity = 0;
	char text[4096], *p = text;

	if (hook_read("/sys/devices/system/cpu/online", text, sizeof(text)))
		return fail_errno(-errno, "which CPUs are on line is not known");
	while (*p >= '0' && *p <= '9') {
		long from = strtol(p, &p, 10), to = from;

		if (*p == '-')
			to = strtol(p + 1, &p, 10);
		for (; from <= to && from < 1 << 16; from++) {
			if (grow(&cpus, &capacity, count + 1, sizeof(*cpus)))
				return fail(-ENOMEM, "out of memory");
			cpus[count++] = (int)from;
		}
		p += *p == ',';
	}
	*ret = TAKE_PTR(cpus);
	*ret_count = count;
	return 0;
}

struct closing {
	int *fds;
	size_t left;
};

static void *close_some(void *context)
{
	struct closing *c = context;

	for (;;) {
		size_t left = __atomic_load_n(&c->left, __ATOMIC_RELAXED);

		while (left && !__atomic_compare_exchange_n(&c->left, &left, left - 1, false,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
		if (!left)
			return NULL;
		close(c->fds[left - 1]);
	}
}

/* See attach.c: one link's first grace period passes beside another's second. */
void hook_close(int *fds, size_t count)
{
	struct closing c = { fds, count };
	pthread_t helper;
	bool has_helper = count > 1 && !pthread_create(&helper, NULL, close_some, &c);

	close_some(&c);
	if (has_helper)
		pthread_join(helper, NULL);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * In a child that shares nothing: every other descriptor goes first, also our caller's pipes. Only
 * when our caller's own copies are gone (it closes @gate) are these the last, which is who waits.
 */
__attribute__((noreturn)) static void keep_and_close(const int *fds, size_t from, size_t end,
						     const int gate[2])
{
	unsigned next = 0;
	char nothing;

	close(gate[1]);
	while (read(gate[0], &nothing, 1) < 0 && errno == EINTR)
		;
	for (size_t i = from; i < end; i++) {
		if ((unsigned)fds[i] > next)
			syscall(SYS_close_range, next, (unsigned)fds[i] - 1, 0);
		next = (unsigned)fds[i] + 1;
	}
	syscall(SYS_close_range, next, ~0U, 0);
	prctl(PR_SET_NAME, "saker-detach");
	for (size_t i = from; i < end; i++)
		close(fds[i]);
	_exit(0);
}

void hook_leave(int *fds, size_t count)
{
	size_t half = count / 2;
	int gate[2] = { -1, -1 };
	pid_t pid;

	if (!count)
		return;
	qsort(fds, count, sizeof(*fds), by_number);
	pid = pipe2(gate, O_CLOEXEC) ? -1 : fork();
	if (pid < 0) {
		close_fd(&gate[0]);
		close_fd(&gate[1]);
		hook_close(fds, count);
		return;
	}
	if (!pid) {
		setsid();
		if (half && !fork())
			keep_and_close(fds, 0, half, gate);
		if (!fork())
			keep_and_close(fds, half, count, gate);
		_exit(0);
	}
	/*
	 * The grandchildren have theirs: these are but copies. Where a fork failed, the kernel lets
	 * go here and now, which only takes longer.
	 */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	close(gate[0]);
	close(gate[1]);
}
