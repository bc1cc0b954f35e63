// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tcplife: one record for every TCP connection, when it is over: who, where, how much and how
 * long. Sockets change their state in the process's own call or in a soft interrupt; the owner
 * is taken only from changes that a call makes: connect(2) enters SYN_SENT, close(2) and
 * shutdown(2) enter FIN_WAIT1 or LAST_ACK. A connection that was accepted and then reset by its
 * peer has none.
 */
#include "owner.h"
#include "sock.h"

GADGET("Trace TCP connections that end: their life, bytes and owner");
ALIAS("-L PORT", "--where lport==PORT", "only this local port");
ALIAS("-D PORT", "--where rport==PORT", "only this remote port");
ALIAS("-w", "-o wide", "all columns");
ALIAS("-s", "-o csv", "comma-separated values");
ALIAS("-4", "--where ip==4", "only IPv4");
ALIAS("-6", "--where ip==6", "only IPv6");
ALIAS("-T", "--columns +time", "show the time");
ALIAS("-t", "--columns +time", "show the time");
EXAMPLE("tcplife", "connections as they end");
EXAMPLE("tcplife -D 443 --where 'life > 1s'", "long HTTPS connections");

struct EVENT("a TCP connection ended") life {
	struct header header;
	OWNER_COLUMNS;
	ip_t laddr COL(": the local address");
	port_t lport COL(": the local port");
	u8 ip COL("hide, width=2: version of IP, 4 or 6");
	u8 padding COL("skip");
	port_t rport COL(": the remote port");
	u16 more_padding COL("skip");
	ip_t raddr COL(": the remote address");
	bytes_t tx COL(": bytes sent, each once");
	bytes_t rx COL(": bytes received; the end of the stream counts as one");
	duration_ns_t life COL("label=LIFE: from established (or the first attempt) to closed");
};

struct birth {
	u64 time;
	struct owner owner;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct birth);
} births SEC(".maps");

static __always_inline void born(u64 key, int state)
{
	struct birth birth = {}, *before = bpf_map_lookup_elem(&births, &key);
	u64 now = bpf_ktime_get_ns();

	if (before && state != TCP_SYN_SENT) {
		before->time = now;
		return;
	}
	birth.time = now;
	if (state == TCP_SYN_SENT) {
		owner_current(&birth.owner);
		birth.owner.known = 1;
	}
	map_update_or_lose(&births, &key, &birth);
}

static __always_inline void ended(const struct sock *sk, struct birth *birth)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct life e = {};

	header_init(&e);
	if (birth->owner.known)
		owner_copy(&e, &birth->owner);
	else
		owner_unknown(&e, BPF_CORE_READ(sk, sk_uid.val));
	e.laddr = sock_local_ip(sk, family);
	e.lport = sock_local_port(sk);
	e.raddr = sock_remote_ip(sk, family);
	e.rport = sock_remote_port(sk);
	e.ip = sock_ip_version(family);
	e.tx = BPF_CORE_READ((const struct tcp_sock *)sk, bytes_sent);
	e.tx -= BPF_CORE_READ((const struct tcp_sock *)sk, bytes_retrans);
	e.rx = BPF_CORE_READ((const struct tcp_sock *)sk, bytes_received);
	e.life = e.header.time - birth->time;
	if (WHERE(&e))
		emit(&e);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, const struct sock *sk, int old_state, int new_state)
{
	u64 key = (u64)sk;
	struct birth *birth;

	if (!sock_is_tcp(sk))
		return 0;
	if (new_state == TCP_SYN_SENT || new_state == TCP_ESTABLISHED) {
		born(key, new_state);
		return 0;
	}
	birth = bpf_map_lookup_elem(&births, &key);
	if (!birth)
		return 0;
	if ((new_state == TCP_FIN_WAIT1 || new_state == TCP_LAST_ACK) && !birth->owner.known) {
		owner_current(&birth->owner);
		birth->owner.known = 1;
	}
	if (new_state == TCP_CLOSE) {
		ended(sk, birth);
		bpf_map_delete_elem(&births, &key);
	}
	return 0;
}
