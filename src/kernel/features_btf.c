// SPDX-License-Identifier: Apache-2.0
/* The BTF numbers of the few kernel functions and types that the probes name. */
#include "kernel/features_probe.h"

#include "kernel/kernel_btf.h"

static int member_index(const struct kernel_btf *btf, const struct btf_type *t, const char *name)
{
	const struct btf_member *m = (const void *)(t + 1);

	for (u32 i = 0; i < btf_count_of(t); i++)
		if (!strcmp(kernel_btf_string(btf, m[i].name_off), name))
			return (int)i;
	return -ENOENT;
}

static void find_struct_ops(struct probe *p, const struct kernel_btf *btf)
{
	u32 id = 0;

	while ((id = kernel_btf_named(btf, "tcp_congestion_ops", id))) {
		const struct btf_type *t = kernel_btf_type(btf, id);

		if (btf_kind_of(t) != BTF_KIND_STRUCT)
			continue;
		p->btf_ids[TARGET_STRUCT_OPS] = id;
		p->struct_ops_member = member_index(btf, t, "ssthresh");
		return;
	}
}

void probe_btf(struct probe *p)
{
	static const struct {
		const char *name;
		enum btf_target target;
	} functions[] = {
		{ "bpf_fentry_test1", TARGET_FUNCTION },
		{ "bpf_lsm_file_open", TARGET_LSM },
		{ "bpf_iter_task", TARGET_ITER },
		{ "bpf_rcu_read_lock", TARGET_RCU_LOCK },
		{ "bpf_rcu_read_unlock", TARGET_RCU_UNLOCK },
		{ "bpf_iter_num_new", TARGET_ITER_NEW },
		{ "bpf_iter_num_destroy", TARGET_ITER_DESTROY },
	};
	_cleanup_(kernel_btf_putp) const struct kernel_btf *btf = NULL;
	int id;

	p->btf_error = kernel_btf_get(&btf);
	if (p->btf_error)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		id = kernel_btf_function(btf, functions[i].name);
		p->btf_ids[functions[i].target] = (u32)MAX(id, 0);
	}
	id = kernel_btf_typedef(btf, "btf_trace_sched_process_exec");
	p->btf_ids[TARGET_TRACEPOINT] = (u32)MAX(id, 0);
	find_struct_ops(p, btf);
}
