// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * dnssnoop: DNS questions that this machine asks over UDP, and their answers, taken from the
 * packets themselves:
 *
 *	sendto() -> net_dev_queue: question, by the process that asks
 *		|
 *	pending: owner and time, by addresses, port and id
 *		|
 *	netif_receive_skb: answer, in a soft interrupt, by whoever asked
 *
 * Every packet passes here, so all but UDP from or to port 53 leaves after four reads. A packet
 * that waited for its neighbour's hardware address is sent by an interrupt: when `current` has
 * another user than the socket, nobody is named.
 */
#include "owner.h"
#include "sock.h"

GADGET("Trace DNS questions and answers, with their latency");
PARAM(u16, port, "the port that DNS servers have") = 53;
ALIAS("-T", "--columns +time", "show the time");
ALIAS("-a", "--where 'what == ANSWER'", "only answers");
EXAMPLE("dnssnoop", "every question and answer");
EXAMPLE("dnssnoop --where 'rcode == NXDOMAIN'", "names that do not exist");
EXAMPLE("dnssnoop --where 'what == ANSWER && latency > 100ms'", "slow answers");

enum what { QUERY, ANSWER };

enum qtype {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_NAPTR = 35,
	TYPE_DS = 43,
	TYPE_SSHFP = 44,
	TYPE_DNSKEY = 48,
	TYPE_TLSA = 52,
	TYPE_SVCB = 64,
	TYPE_HTTPS = 65,
	TYPE_AXFR = 252,
	TYPE_ANY = 255,
	TYPE_CAA = 257,
};

enum rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_NONE = 255, /* of questions */
};

struct EVENT("a DNS question or answer") dns {
	struct header header;
	OWNER_COLUMNS;
	enum what what COL("width=6: question or answer");
	enum qtype type COL("strip=TYPE_, width=6: what is asked for");
	enum rcode rcode COL("strip=RCODE_, width=8: how it went, NONE for questions");
	u16 answers COL("width=7, label=ANSWERS: of answers: how many records it has");
	u16 id COL("hide, hex: number of the question");
	duration_ns_t latency COL(": of answers: time since the question");
	ip_t server COL(": the server's address");
	port_t port COL("hide: the port of this machine");
	u8 padding[2] COL("skip");
	text_t name COL("width=40: the name that is asked about");
};
EVENT_BUFFER(query_buffer, struct dns, 512);
EVENT_BUFFER(answer_buffer, struct dns, 512);

struct question {
	ip_t client, server;
	u16 port, id;
};
struct asked {
	u64 time, packet;
	struct owner owner;
};
/* Questions that nobody answers stay until newer ones push them out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct question);
	__type(value, struct asked);
} pending SEC(".maps");

struct dns_header {
	__be16 id;
	u8 flags, more_flags; /* QR is flags' top bit, RCODE more_flags' low four */
	__be16 questions, answers, authority, additional;
};
struct udp_header {
	__be16 source, dest, length, checksum;
};
struct ipv4_header {
	u8 version_length, service;
	__be16 length, id, fragment;
	u8 ttl, protocol;
	u16 checksum;
	__be32 source, dest;
};
struct ipv6_header {
	u32 version_class_flow;
	__be16 length;
	u8 next_header, hop_limit;
	ip_t source, dest;
};

struct packet {
	ip_t source, dest;
	u16 source_port, dest_port;
	const u8 *dns; /* its DNS header */
	u32 room;      /* bytes that lie there in one piece */
	struct dns_header header;
};

enum { ETH_P_IP = 0x0800, ETH_P_IPV6 = 0x86dd, NAME_MAX = 256, FRAGMENT_OFFSET = 0x1fff };

static __always_inline const u8 *read_addresses(struct sk_buff *skb, const u8 *network,
						struct packet *p)
{
	u16 protocol = bpf_ntohs(skb->protocol);

	if (protocol == ETH_P_IP) {
		struct ipv4_header ip;

		if (bpf_probe_read_kernel(&ip, sizeof(ip), network) || ip.protocol != IPPROTO_UDP ||
		    bpf_ntohs(ip.fragment) & FRAGMENT_OFFSET)
			return NULL;
		p->source = ip_from_v4(ip.source);
		p->dest = ip_from_v4(ip.dest);
		return network + (ip.version_length & 0xf) * 4;
	}
	if (protocol == ETH_P_IPV6) {
		struct ipv6_header ip;

		if (bpf_probe_read_kernel(&ip, sizeof(ip), network) ||
		    ip.next_header != IPPROTO_UDP)
			return NULL;
		p->source = ip.source;
		p->dest = ip.dest;
		return network + sizeof(ip);
	}
	return NULL;
}

static __always_inline bool read_packet(struct sk_buff *skb, const u8 *network, struct packet *p)
{
	const u8 *end = skb->data + (skb->len - skb->data_len), *transport;
	struct udp_header udp;

	transport = read_addresses(skb, network, p);
	if (!transport || bpf_probe_read_kernel(&udp, sizeof(udp), transport))
		return false;
	p->source_port = bpf_ntohs(udp.source);
	p->dest_port = bpf_ntohs(udp.dest);
	if (p->source_port != port && p->dest_port != port)
		return false;
	p->dns = transport + sizeof(udp);
	if (p->dns + sizeof(p->header) > end)
		return false;
	p->room = end - p->dns - sizeof(p->header);
	return !bpf_probe_read_kernel(&p->header, sizeof(p->header), p->dns);
}

/*
 * The name is made of labels, each behind its length. Copied as it is, the lengths become dots,
 * and the first of them is left out. Behind it stands the type. @tail has room for twice
 * NAME_MAX.
 */
static __always_inline void add_name(struct dns *e, char *tail, const struct packet *p)
{
	u32 room = p->room, at = 0;
	__be16 type = 0;

	e->name.offset = sizeof(*e);
	e->name.length = 0;
	e->type = 0;
	if (room > NAME_MAX + sizeof(type))
		room = NAME_MAX + sizeof(type);
	if (!room || bpf_probe_read_kernel(tail, room, p->dns + sizeof(p->header)))
		return;
	for (u32 i = 0; i < NAME_MAX / 2; i++) {
		u8 length;

		if (at >= NAME_MAX || at >= room)
			return;
		length = tail[at];
		if (!length || length > 63)
			break;
		tail[at] = '.';
		at += length + 1;
	}
	if (at >= NAME_MAX || at + 3 > room || tail[at])
		return;
	e->type = (u8)tail[at + 1] << 8 | (u8)tail[at + 2];
	if (!at)
		tail[0] = '.'; /* the root */
	e->name.offset += at ? 1 : 0;
	e->name.length = at ? at - 1 : 1;
	e->header.size += at ? at : 1;
}

static __always_inline void fill(struct dns *e, enum what what, const struct packet *p)
{
	header_init(e);
	e->what = what;
	e->id = bpf_ntohs(p->header.id);
	e->rcode = what == ANSWER ? p->header.more_flags & 0xf : RCODE_NONE;
	e->answers = what == ANSWER ? bpf_ntohs(p->header.answers) : 0;
	e->latency = 0;
	e->server = what == ANSWER ? p->source : p->dest;
	e->port = what == ANSWER ? p->dest_port : p->source_port;
}

static __always_inline bool is_answer(const struct packet *p)
{
	return p->header.flags & 0x80;
}

/* False: the same packet was seen on the device above (a bridge, a bond, a VLAN). */
static __always_inline bool remember(const struct packet *p, struct sk_buff *skb,
				     struct asked *asked)
{
	struct question question = { .client = p->source, .server = p->dest };
	u32 uid = BPF_CORE_READ(skb, sk, sk_uid.val);
	struct asked *before;

	question.port = p->source_port;
	question.id = p->header.id;
	asked->time = bpf_ktime_get_ns();
	asked->packet = (u64)skb;
	before = bpf_map_lookup_elem(&pending, &question);
	if (before && before->packet == (u64)skb)
		return false;
	if ((u32)bpf_get_current_pid_tgid() && (u32)bpf_get_current_uid_gid() == uid)
		owner_current(&asked->owner);
	else
		owner_unknown(&asked->owner, uid);
	map_update_or_lose(&pending, &question, asked);
	return true;
}

SEC("tp_btf/net_dev_queue")
int BPF_PROG(sent, struct sk_buff *skb)
{
	struct packet packet = {};
	struct asked asked = {};
	struct dns *e;

	/* What is only passed through (a container's packet on the host) has no socket here. */
	if (!skb->sk || !read_packet(skb, skb->head + skb->network_header, &packet))
		return 0;
	if (packet.dest_port != port || is_answer(&packet) || !remember(&packet, skb, &asked))
		return 0;
	e = event_buffer(query_buffer);
	fill(e, QUERY, &packet);
	owner_copy(e, &asked.owner);
	add_name(e, ((struct query_buffer *)e)->tail, &packet);
	if (WHERE(e))
		emit_buffer(query_buffer, e);
	return 0;
}

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(received, struct sk_buff *skb)
{
	struct packet packet = {};
	struct question question = {};
	struct asked *asked;
	struct dns *e;

	if (!read_packet(skb, skb->data, &packet) || packet.source_port != port ||
	    !is_answer(&packet))
		return 0;
	question.client = packet.dest;
	question.server = packet.source;
	question.port = packet.dest_port;
	question.id = packet.header.id;
	asked = bpf_map_lookup_elem(&pending, &question);
	if (!asked)
		return 0;
	e = event_buffer(answer_buffer);
	fill(e, ANSWER, &packet);
	owner_copy(e, &asked->owner);
	e->latency = e->header.time - asked->time;
	bpf_map_delete_elem(&pending, &question);
	add_name(e, ((struct answer_buffer *)e)->tail, &packet);
	if (WHERE(e))
		emit_buffer(answer_buffer, e);
	return 0;
}
