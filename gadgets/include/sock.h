/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sock.h: who speaks to whom, read from a kernel socket.
 */
#pragma once

#include "gadget.h"

enum { AF_INET = 2, AF_INET6 = 10, IPPROTO_TCP = 6, IPPROTO_UDP = 17 };

/* include/net/tcp_states.h */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

static __always_inline u8 sock_ip_version(u16 family)
{
	return family == AF_INET ? 4 : family == AF_INET6 ? 6 : 0;
}

static __always_inline ip_t sock_local_ip(const struct sock *sk, u16 family)
{
	ip_t ip = {};

	if (family == AF_INET)
		return ip_from_v4(BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
	BPF_CORE_READ_INTO(&ip, sk, __sk_common.skc_v6_rcv_saddr);
	return ip;
}

static __always_inline ip_t sock_remote_ip(const struct sock *sk, u16 family)
{
	ip_t ip = {};

	if (family == AF_INET)
		return ip_from_v4(BPF_CORE_READ(sk, __sk_common.skc_daddr));
	BPF_CORE_READ_INTO(&ip, sk, __sk_common.skc_v6_daddr);
	return ip;
}

/* inet_sport outlives skc_num, which is cleared before a socket's last change of state is told. */
static __always_inline u16 sock_local_port(const struct sock *sk)
{
	return bpf_ntohs(BPF_CORE_READ((const struct inet_sock *)sk, inet_sport));
}

static __always_inline u16 sock_remote_port(const struct sock *sk)
{
	return bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

static __always_inline bool sock_is_tcp(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}
