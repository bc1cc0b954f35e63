// SPDX-License-Identifier: Apache-2.0
/*
 * The engine of the feature probes: the list of findings, the raw bpf(2) calls, and the judgement
 * of an errno. EPERM is an answer only from a process that had every privilege; else it says
 * nothing of the kernel.
 *
 * The calls are raw, not libbpf's: a probe must see the kernel's own refusal, without a retry or a
 * fallback, and types newer than the installed libbpf must be tried too.
 */
#include "kernel/features_probe.h"

#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "kernel/capability.h"

void findings_free(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->items[i].found);
	free(f->items);
	*f = (struct findings){ 0 };
}

void findings_add(struct findings *f, enum finding_group group, enum finding_state state,
		  const char *name, const char *use, const char *otherwise, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	int n;

	if (f->error)
		return;
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0 || grow(&f->items, &f->capacity, f->count + 1, sizeof(*f->items))) {
		if (n >= 0)
			free(text);
		f->error = -ENOMEM;
		return;
	}
	f->items[f->count++] = (struct finding){ .group = group,
						 .state = state,
						 .name = name,
						 .use = use,
						 .otherwise = otherwise,
						 .found = text };
}

const struct finding *findings_find(const struct findings *f, enum finding_group group,
				    const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].group == group && !strcmp(f->items[i].name, name))
			return &f->items[i];
	return NULL;
}

long bpf_call(int command, union bpf_attr *attr, size_t size)
{
	long r;
	int tries = 5;

	/* EAGAIN: a signal was pending when the verifier looked */
	do {
		r = syscall(SYS_bpf, command, attr, size);
	} while (r < 0 && errno == EAGAIN && --tries);
	return r < 0 ? -errno : r;
}

int program_load(const struct program_try *t)
{
	union bpf_attr attr = { 0 };

	attr.prog_type = t->type;
	attr.expected_attach_type = t->attach;
	attr.attach_btf_id = t->btf_id;
	attr.prog_flags = t->flags;
	attr.insns = (uintptr_t)t->insns;
	attr.insn_cnt = t->count;
	attr.license = (uintptr_t)(t->no_gpl ? "Apache-2.0" : "Dual BSD/GPL");
	attr.log_buf = (uintptr_t)t->log;
	attr.log_size = t->log_size;
	attr.log_level = t->log ? 1 : 0;
	memcpy(attr.prog_name, "saker_check", sizeof("saker_check"));
	return (int)bpf_call(BPF_PROG_LOAD, &attr, sizeof(attr));
}

int map_create(u32 type, u32 key_size, u32 value_size, u32 max_entries, u32 flags)
{
	union bpf_attr attr = { 0 };

	attr.map_type = type;
	attr.key_size = key_size;
	attr.value_size = value_size;
	attr.max_entries = max_entries;
	attr.map_flags = flags;
	memcpy(attr.map_name, "saker_check", sizeof("saker_check"));
	return (int)bpf_call(BPF_MAP_CREATE, &attr, sizeof(attr));
}

/* A BTF of @types and the strings "", "x". */
int btf_load(const void *types, size_t types_len)
{
	static const char strings[] = "\0x";
	struct {
		u16 magic;
		u8 version, flags;
		u32 header_len, type_off, type_len, string_off, string_len;
		u8 rest[128];
	} btf = {
		.magic = 0xeb9f,
		.version = 1,
		.header_len = 24,
		.type_len = (u32)types_len,
		.string_off = (u32)types_len,
		.string_len = sizeof(strings),
	};
	union bpf_attr attr = { 0 };

	if (types_len + sizeof(strings) > sizeof(btf.rest))
		return -E2BIG;
	memcpy(btf.rest, types, types_len);
	memcpy(btf.rest + types_len, strings, sizeof(strings));
	attr.btf = (uintptr_t)&btf;
	attr.btf_size = (u32)(offsetof(__typeof__(btf), rest) + types_len + sizeof(strings));
	return (int)bpf_call(BPF_BTF_LOAD, &attr, sizeof(attr));
}

/* An event of this process only, not enabled. */
int perf_open(u32 type, u64 config, u64 config1, u64 config2)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.config = config,
		.config1 = config1,
		.config2 = config2,
		.disabled = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void attempt_say(struct attempt *a, enum finding_state state, const char *fmt, ...)
{
	va_list args;

	a->state = state;
	va_start(args, fmt);
	vsnprintf(a->reason, sizeof(a->reason), fmt, args);
	va_end(args);
}

void attempt_judge(const struct probe *p, int result, struct attempt *ret)
{
	const char *name = result < 0 ? strerrorname_np(-result) : "";

	*ret = (struct attempt){ .error = MIN(result, 0) };
	name = name ? name : "an unknown error";
	if (result >= 0)
		ret->state = FINDING_OK;
	else if ((result == -EPERM || result == -EACCES) && !p->privileged)
		attempt_say(ret, FINDING_UNKNOWN,
			    "not tried: it needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (%s)",
			    name);
	else if (result == -ENOMEM || result == -EAGAIN || result == -EMFILE || result == -ENFILE)
		attempt_say(ret, FINDING_UNKNOWN, "not known: the attempt ended with %s", name);
	else if (result == -EPERM || result == -EACCES)
		attempt_say(ret, FINDING_NO, "refused with %s", name);
	else
		attempt_say(ret, FINDING_NO, "not in this kernel (%s)", name);
}

void attempt_add(struct findings *f, enum finding_group group, const char *name, const char *use,
		 const char *otherwise, const struct attempt *a)
{
	findings_add(f, group, a->state, name, use, otherwise, "%s", a->reason);
}

bool features_can_try(void)
{
	return capability_have(CAPABILITY_SYS_ADMIN) ||
	       (capability_have(CAPABILITY_BPF) && capability_have(CAPABILITY_PERFMON) &&
		capability_have(CAPABILITY_NET_ADMIN));
}

int features_probe(struct findings *f)
{
	struct rlimit old, unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct probe p = { 0 };
	/* before 5.11 maps count against this limit, and their memory is given back late */
	bool raised = !getrlimit(RLIMIT_MEMLOCK, &old) && !setrlimit(RLIMIT_MEMLOCK, &unlimited);

	p.privileged = features_can_try();
	probe_btf(&p);
	probe_programs(&p, f);
	probe_maps(&p, f);
	probe_helpers(&p, f);
	if (raised)
		setrlimit(RLIMIT_MEMLOCK, &old);
	return f->error;
}
