// SPDX-License-Identifier: Apache-2.0
/*
 * Programs, maps and BTF that are made at run time, by libbpf's thin wrappers of bpf(2).
 */
#include "kernel/program.h"

#include <bpf/bpf.h>
#include <signal.h>

#include "kernel/verifier.h"

#define LOG_SIZE (1u << 20)

/* What the kernel takes in a name: letters, digits, '_' and '.', at most 15. */
static void kernel_name(const char *name, char ret[BPF_OBJ_NAME_LEN])
{
	size_t n = 0;

	for (; *name && n < BPF_OBJ_NAME_LEN - 1; name++) {
		bool good = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
			    (*name >= '0' && *name <= '9') || *name == '_';

		if (good)
			ret[n++] = *name;
	}
	ret[n] = '\0';
}

static int load_once(const struct program_load *p, char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, o, .expected_attach_type = p->attach,
		    .attach_btf_id = p->attach_btf_id, .attach_btf_obj_fd = p->attach_btf_fd,
		    .prog_flags = p->flags, .log_buf = log, .log_size = log_size,
		    .log_level = log ? 1 : 0);
	char name[BPF_OBJ_NAME_LEN];
	sigset_t all, before;
	int fd;

	if (p->btf_fd > 0) {
		o.prog_btf_fd = p->btf_fd;
		o.func_info = p->functions;
		o.func_info_cnt = p->function_count;
		o.func_info_rec_size = sizeof(*p->functions);
		o.line_info = p->lines;
		o.line_info_cnt = p->line_count;
		o.line_info_rec_size = sizeof(*p->lines);
	}
	kernel_name(p->name, name);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	fd = bpf_prog_load(p->type, name, p->license, p->insns, p->count, &o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fd;
}

int kernel_load_program(const struct program_load *p, struct buf *log)
{
	size_t size = p->log_size ? p->log_size : LOG_SIZE;
	_cleanup_free_ char *text = NULL;
	_cleanup_buf_ struct buf b = {};
	int fd = load_once(p, NULL, 0);

	if (fd >= 0)
		return fd;
	text = calloc(1, size);
	if (!text)
		return fail(-ENOMEM, "out of memory");
	/* ENOSPC says that the log was cut, not why the program was refused. */
	fd = load_once(p, text, size);
	if (fd >= 0)
		return fd;
	if (log)
		buf_add_str(log, text);
	if (!*text && (fd == -EPERM || fd == -EACCES))
		return fail(fd,
			    "%s cannot be loaded: this needs root, or the capabilities CAP_BPF "
			    "and CAP_PERFMON",
			    p->name);
	if (!*text)
		return fail_errno(fd, "%s cannot be loaded", p->name);
	verifier_explain(text, p->name, fd, NULL, &b);
	return fail(fd, "%s", buf_str(&b));
}

int kernel_create_map(const struct map_create *m)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = m->flags,
		    .btf_fd = m->btf_fd > 0 ? (u32)m->btf_fd : 0,
		    .btf_key_type_id = m->btf_key_type, .btf_value_type_id = m->btf_value_type);
	char name[BPF_OBJ_NAME_LEN];
	int fd;

	kernel_name(m->name, name);
	fd = bpf_map_create(m->type, name, m->key_size, m->value_size, m->max_entries, &o);
	if (fd >= 0)
		return fd;
	return fail_errno(fd, "map %s (%u entries of %u + %u bytes) cannot be made", m->name,
			  m->max_entries, m->key_size, m->value_size);
}

int kernel_load_btf(const void *bytes, size_t size)
{
	LIBBPF_OPTS(bpf_btf_load_opts, o);
	int fd = bpf_btf_load(bytes, size, &o);

	return fd >= 0 ? fd : fail_errno(fd, "the kernel refuses the script's types (BTF)");
}

int kernel_run_program(int fd, u64 *ret_value)
{
	LIBBPF_OPTS(bpf_test_run_opts, o);
	int err = bpf_prog_test_run_opts(fd, &o);

	if (err)
		return fail_errno(err, "the program cannot be run");
	if (ret_value)
		*ret_value = o.retval;
	return 0;
}
