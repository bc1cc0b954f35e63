// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tcptop: bytes sent and received by process and TCP connection, every interval. Since 6.3 two
 * tracepoints tell what a call on a socket moved; before, the two functions of TCP that do it
 * are watched.
 */
#include "registers.h"
#include "sock.h"

GADGET("Show the TCP connections that move most");
ALIAS("-4", "--where ip==4", "only IPv4");
ALIAS("-6", "--where ip==6", "only IPv6");
EXAMPLE("tcptop", "every second, the busiest first");
EXAMPLE("tcptop --where 'rport == 5432' 5", "traffic to PostgreSQL every 5 seconds");

struct traffic_key {
	pid_t pid;
	comm_t comm;
	ip_t laddr COL(": the local address");
	port_t lport COL(": the local port");
	ip_t raddr COL(": the remote address");
	port_t rport COL(": the remote port");
};
struct traffic {
	bytes_t rx COL(": bytes received");
	bytes_t tx COL(": bytes sent");
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, struct traffic_key);
	__type(value, struct traffic);
} connections SEC(".maps")
TABLE("each=clear, sort=rx, top=20: TCP traffic of each connection");

struct INPUT("bytes that a process moved on a TCP connection") moved {
	OWNER_COLUMNS;
	ip_t laddr COL(": the local address");
	ip_t raddr COL(": the remote address");
	port_t lport COL(": the local port");
	port_t rport COL(": the remote port");
	u8 ip COL("width=2: version of IP, 4 or 6");
	u8 padding[3] COL("skip");
};

enum { MSG_PEEK = 2 };

static __always_inline bool is_wanted(const struct traffic_key *key, u16 family)
{
	struct moved input = {};

	if (!saker_filtering)
		return true;
	owner_current(&input);
	input.laddr = key->laddr;
	input.raddr = key->raddr;
	input.lport = key->lport;
	input.rport = key->rport;
	input.ip = sock_ip_version(family);
	return WHERE(&input);
}

static __always_inline int add(const struct sock *sk, s64 sent, s64 received)
{
	static const struct traffic none;
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct traffic_key key = {};
	struct traffic *traffic;

	if (sent + received <= 0 || !sock_ip_version(family) || !sock_is_tcp(sk))
		return 0;
	key.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(&key.comm, sizeof(key.comm));
	key.laddr = sock_local_ip(sk, family);
	key.lport = sock_local_port(sk);
	key.raddr = sock_remote_ip(sk, family);
	key.rport = sock_remote_port(sk);
	if (!is_wanted(&key, family))
		return 0;
	traffic = lookup_or_make(&connections, &key, &none);
	if (!traffic)
		return 0;
	if (sent)
		__sync_fetch_and_add(&traffic->tx, sent);
	if (received)
		__sync_fetch_and_add(&traffic->rx, received);
	return 0;
}

SEC("?tp_btf/sock_send_length")
ALTERNATIVE("send", 1, "tracepoint, since 6.3")
int BPF_PROG(sent, struct sock *sk, int length, int flags)
{
	return add(sk, length, 0);
}

SEC("?fexit/tcp_sendmsg")
ALTERNATIVE("send", 2, "on tcp_sendmsg()")
int BPF_PROG(sent_exit, struct sock *sk, void *message, u64 size, int ret)
{
	return add(sk, ret, 0);
}

SEC("?kprobe/tcp_sendmsg")
ALTERNATIVE("send", 3, "on tcp_sendmsg(): the bytes that were to be sent")
int sent_kprobe(struct pt_regs *ctx)
{
	const struct sock *sk = (const struct sock *)function_argument(ctx, 0);

	return add(sk, function_argument(ctx, 2), 0);
}

SEC("?tp_btf/sock_recv_length")
ALTERNATIVE("receive", 1, "tracepoint, since 6.3")
int BPF_PROG(received, struct sock *sk, int length, int flags)
{
	return flags & MSG_PEEK ? 0 : add(sk, 0, length);
}

SEC("?fentry/tcp_cleanup_rbuf")
ALTERNATIVE("receive", 2, "on tcp_cleanup_rbuf()")
int BPF_PROG(received_entry, struct sock *sk, int copied)
{
	return add(sk, 0, copied);
}

SEC("?kprobe/tcp_cleanup_rbuf")
ALTERNATIVE("receive", 3, "on tcp_cleanup_rbuf()")
int received_kprobe(struct pt_regs *ctx)
{
	const struct sock *sk = (const struct sock *)function_argument(ctx, 0);

	return add(sk, 0, (int)function_argument(ctx, 1));
}
