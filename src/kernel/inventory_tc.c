// SPDX-License-Identifier: Apache-2.0
/*
 * Programs on tc's clsact hooks, which only netlink tells: a dump of the filters of an interface,
 * for each direction.
 */
#include "kernel/inventory_internal.h"

#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

struct request {
	struct nlmsghdr header;
	struct tcmsg message;
};

/* The attribute @type among those from @a on; NULL. */
static const struct rtattr *find_attribute(const struct rtattr *a, int len, u16 type)
{
	for (; RTA_OK(a, len); a = RTA_NEXT(a, len))
		if ((a->rta_type & NLA_TYPE_MASK) == type)
			return a;
	return NULL;
}

static int add_filter(struct inventory *i, const struct nlmsghdr *h, const char *direction)
{
	const struct tcmsg *t = NLMSG_DATA(h);
	const struct rtattr *options, *id;
	_cleanup_buf_ struct buf b = { 0 };
	u32 program;

	options = find_attribute(TCA_RTA(t), (int)TCA_PAYLOAD(h), TCA_OPTIONS);
	id = options ? find_attribute(RTA_DATA(options), (int)RTA_PAYLOAD(options), TCA_BPF_ID)
		     : NULL;
	if (!id || RTA_PAYLOAD(id) < sizeof(program))
		return 0;
	memcpy(&program, RTA_DATA(id), sizeof(program));
	buf_add_str(&b, "tc ");
	add_interface(&b, (u32)t->tcm_ifindex);
	buf_printf(&b, " %s", direction);
	for (size_t n = 0; n < i->attachment_count; n++)
		if (i->attachments[n].program == program &&
		    !strcmp(i->attachments[n].text, buf_str(&b)))
			return 0;
	return attachment_add(i, program, 0, buf_str(&b));
}

static int dump(struct inventory *i, int fd, u32 ifindex, u32 parent, const char *direction)
{
	struct request q = {
		.header = { .nlmsg_len = sizeof(q),
			    .nlmsg_type = RTM_GETTFILTER,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.message = { .tcm_family = AF_UNSPEC,
			     .tcm_ifindex = (int)ifindex,
			     .tcm_parent = parent },
	};
	_cleanup_free_ char *answer = malloc(65536);

	if (!answer)
		return fail(-ENOMEM, "out of memory");
	if (send(fd, &q, sizeof(q), 0) < 0)
		return 0;
	for (;;) {
		ssize_t n = recv(fd, answer, 65536, 0);
		struct nlmsghdr *h = (void *)answer;

		if (n <= 0)
			return 0;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
				return 0; /* no clsact on it */
			if (h->nlmsg_type == RTM_NEWTFILTER && add_filter(i, h, direction))
				return -ENOMEM;
		}
	}
}

int attachments_tc(struct inventory *i, u32 ifindex)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct timeval patience = { .tv_sec = 1 };
	int r;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return 0;
	r = dump(i, fd, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS), "ingress");
	return r ? r : dump(i, fd, ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS), "egress");
}
