// SPDX-License-Identifier: Apache-2.0
/*
 * Names of the kernel's numbers, by number and not by the installed headers, which are older than
 * the kernels that this runs on.
 */
#include "kernel/inventory.h"

static const char *name_of(const char *const *names, size_t count, u32 n)
{
	return n < count ? names[n] : NULL;
}

static const char *const program_types[] = {
	"unspec",
	"socket_filter",
	"kprobe",
	"sched_cls",
	"sched_act",
	"tracepoint",
	"xdp",
	"perf_event",
	"cgroup_skb",
	"cgroup_sock",
	"lwt_in",
	"lwt_out",
	"lwt_xmit",
	"sock_ops",
	"sk_skb",
	"cgroup_device",
	"sk_msg",
	"raw_tracepoint",
	"cgroup_sock_addr",
	"lwt_seg6local",
	"lirc_mode2",
	"sk_reuseport",
	"flow_dissector",
	"cgroup_sysctl",
	"raw_tracepoint_writable",
	"cgroup_sockopt",
	"tracing",
	"struct_ops",
	"ext",
	"lsm",
	"sk_lookup",
	"syscall",
	"netfilter",
};

const char *program_type_name(u32 type)
{
	return name_of(program_types, ARRAY_SIZE(program_types), type);
}

static const char *const map_types[] = {
	"unspec",
	"hash",
	"array",
	"prog_array",
	"perf_event_array",
	"percpu_hash",
	"percpu_array",
	"stack_trace",
	"cgroup_array",
	"lru_hash",
	"lru_percpu_hash",
	"lpm_trie",
	"array_of_maps",
	"hash_of_maps",
	"devmap",
	"sockmap",
	"cpumap",
	"xskmap",
	"sockhash",
	"cgroup_storage",
	"reuseport_sockarray",
	"percpu_cgroup_storage",
	"queue",
	"stack",
	"sk_storage",
	"devmap_hash",
	"struct_ops",
	"ringbuf",
	"inode_storage",
	"task_storage",
	"bloom_filter",
	"user_ringbuf",
	"cgrp_storage",
	"arena",
	"insn_array",
};

const char *map_type_name(u32 type)
{
	return name_of(map_types, ARRAY_SIZE(map_types), type);
}

static const char *const link_types[] = {
	"unspec",	"raw_tracepoint", "tracing",	  "cgroup",	"iter",	     "netns",
	"xdp",		"perf_event",	  "kprobe_multi", "struct_ops", "netfilter", "tcx",
	"uprobe_multi", "netkit",	  "sockmap",
};

const char *link_type_name(u32 type)
{
	return name_of(link_types, ARRAY_SIZE(link_types), type);
}

static const char *const attach_types[] = {
	"inet_ingress",
	"inet_egress",
	"inet_sock_create",
	"sock_ops",
	"sk_skb_stream_parser",
	"sk_skb_stream_verdict",
	"device",
	"sk_msg_verdict",
	"inet4_bind",
	"inet6_bind",
	"inet4_connect",
	"inet6_connect",
	"inet4_post_bind",
	"inet6_post_bind",
	"udp4_sendmsg",
	"udp6_sendmsg",
	"lirc_mode2",
	"flow_dissector",
	"sysctl",
	"udp4_recvmsg",
	"udp6_recvmsg",
	"getsockopt",
	"setsockopt",
	"tp_btf",
	"fentry",
	"fexit",
	"fmod_ret",
	"lsm",
	"iter",
	"inet4_getpeername",
	"inet6_getpeername",
	"inet4_getsockname",
	"inet6_getsockname",
	"xdp_devmap",
	"inet_sock_release",
	"xdp_cpumap",
	"sk_lookup",
	"xdp",
	"sk_skb_verdict",
	"sk_reuseport_select",
	"sk_reuseport_select_or_migrate",
	"perf_event",
	"kprobe.multi",
	"lsm_cgroup",
	"struct_ops",
	"netfilter",
	"ingress",
	"egress",
	"uprobe.multi",
	"unix_connect",
	"unix_sendmsg",
	"unix_recvmsg",
	"unix_getpeername",
	"unix_getsockname",
	"primary",
	"peer",
	"kprobe.session",
	"uprobe.session",
};

const char *attach_type_name(u32 type)
{
	return name_of(attach_types, ARRAY_SIZE(attach_types), type);
}
