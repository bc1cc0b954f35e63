// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tcpconnect: TCP connections that this machine's processes open, seen when the socket leaves
 * CLOSE for SYN_SENT: connect(2) does that itself, so that `current` is who connects. The local
 * port is often chosen only afterwards.
 */
#include "sock.h"

GADGET("Trace TCP connections that processes open");
ALIAS("-P PORT", "--where dport==PORT", "only to this port");
ALIAS("-u UID", "--where uid==UID", "only this user");
ALIAS("-4", "--where ip==4", "only IPv4");
ALIAS("-6", "--where ip==6", "only IPv6");
ALIAS("-t", "--columns +time", "show the time");
ALIAS("-U", "--columns +uid", "show the user");
EXAMPLE("tcpconnect", "who connects where");
EXAMPLE("tcpconnect -P 443", "only HTTPS");
EXAMPLE("tcpconnect --where '!(daddr in 10.0.0.0/8)'", "what leaves the private network");

struct EVENT("a process opens a TCP connection") connection {
	struct header header;
	OWNER_COLUMNS;
	u8 ip COL("width=2: version of IP, 4 or 6");
	u8 padding COL("skip");
	port_t dport COL(": the remote port");
	u32 more_padding COL("skip");
	ip_t saddr COL(": the local address");
	ip_t daddr COL(": the remote address");
};

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(state_changed, const struct sock *sk, int old_state, int new_state)
{
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	struct connection e = {};

	if (new_state != TCP_SYN_SENT || old_state != TCP_CLOSE || !sock_is_tcp(sk) || is_self())
		return 0;
	header_init(&e);
	owner_current(&e);
	e.saddr = sock_local_ip(sk, family);
	e.daddr = sock_remote_ip(sk, family);
	e.dport = sock_remote_port(sk);
	e.ip = sock_ip_version(family);
	if (WHERE(&e))
		emit(&e);
	return 0;
}
