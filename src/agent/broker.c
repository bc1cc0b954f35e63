// SPDX-License-Identifier: Apache-2.0
/*
 * The privileged half: see broker.h. Small on purpose; nothing here parses what came from outside.
 */
#include "agent/broker.h"

#include "agent/scripts.h"

#include "kernel/kernel.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/socket.h>

struct broker_server {
	const char *config_file;
	const struct scripts *scripts;
	bool detaching; /* the gadgets are another thread's */
	struct gadget *gadgets[BROKER_GADGETS_MAX];
	int rings[BROKER_RINGS_MAX];
	struct broker_request request;
};

struct descriptors {
	int fds[GADGET_SHARED_MAX];
	int count;
	bool close; /* they were opened for the reply */
};

static int serve_ring(struct broker_server *s, const struct broker_request *q,
		      struct descriptors *d)
{
	int fd;

	if (q->ring >= BROKER_RINGS_MAX || q->size < 4096 || q->size > 256 << 20 ||
	    (q->size & (q->size - 1)))
		return fail(-EINVAL, "ring %u of %u bytes", q->ring, q->size);
	if (s->rings[q->ring] < 0) {
		fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "saker_ring", 0, 0, q->size, NULL);
		if (fd < 0)
			return fail_errno(-errno, "cannot make a ring of %u bytes", q->size);
		s->rings[q->ring] = fd;
	}
	d->fds[d->count++] = s->rings[q->ring];
	return 0;
}

static int set_parameters(struct gadget *g, const struct broker_request *q)
{
	const char *p = q->parameters, *end = p + q->parameters_size;

	while (p < end) {
		size_t len = strnlen(p, end - p);
		_cleanup_free_ char *word = strndup(p, len);
		char *equals = word ? strchr(word, '=') : NULL;
		int err;

		if (!equals)
			return fail(-EINVAL, "a parameter without a value");
		*equals = '\0';
		err = gadget_set_parameter(g, word, equals + 1);
		if (err)
			return err;
		p += len + 1;
	}
	return 0;
}

static bool is_embedded(const char *name)
{
	size_t count;
	const struct embedded_gadget *all = gadget_embedded(&count);

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(all[i].name, name))
			return true;
	}
	return false;
}

static bool is_plain(const struct bpf_insn *i)
{
	u8 class = BPF_CLASS(i->code);

	if (i->dst_reg > BPF_REG_5 || i->src_reg > BPF_REG_5)
		return false;
	return class == BPF_ALU || class == BPF_ALU64 ||
	       (class == BPF_LDX && BPF_MODE(i->code) == BPF_MEM);
}

int broker_check_predicate(const struct bpf_insn *insns, size_t count)
{
	for (size_t at = 0; at < count; at++) {
		const struct bpf_insn *i = &insns[at];
		u8 class = BPF_CLASS(i->code), op = BPF_OP(i->code);

		if (is_plain(i))
			continue;
		if (i->code == (BPF_LD | BPF_IMM | BPF_DW) && !i->src_reg &&
		    i->dst_reg <= BPF_REG_5 && at + 1 < count && !insns[at + 1].code) {
			at++;
			continue;
		}
		if ((class == BPF_JMP || class == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT &&
		    i->off >= 0 && !(class == BPF_JMP32 && op == BPF_JA) &&
		    i->dst_reg <= BPF_REG_5 && i->src_reg <= BPF_REG_5 &&
		    at + 1 + (size_t)i->off <= count)
			continue;
		return fail(-EPERM, "instruction %zu of the filter is not one of a filter", at);
	}
	return 0;
}

static int serve_load(struct broker_server *s, const struct broker_request *q,
		      struct descriptors *d)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	int err;

	if (q->number >= BROKER_GADGETS_MAX || s->gadgets[q->number])
		return fail(-EINVAL, "gadget number %u", q->number);
	if (q->ring >= BROKER_RINGS_MAX || s->rings[q->ring] < 0)
		return fail(-EINVAL, "ring number %u", q->ring);
	if (!memchr(q->name, '\0', sizeof(q->name)) || !is_embedded(q->name))
		return fail(-ENOENT, "no such gadget");
	if (q->parameters_size > sizeof(q->parameters) || q->predicate_count > BROKER_PREDICATE_MAX)
		return fail(-EINVAL, "a request that is too long");
	err = gadget_open(q->name, &g);
	if (!err)
		err = set_parameters(g, q);
	if (!err && q->predicate_count)
		err = broker_check_predicate(q->predicate, q->predicate_count);
	if (!err && q->predicate_count)
		err = gadget_set_predicate(g, q->predicate, q->predicate_count);
	if (err)
		return err;
	gadget_set_number(g, (u16)q->number);
	/* What the agent itself does (its store, its web server) would feed itself. */
	gadget_set_self_pid(g, q->what);
	err = gadget_set_ring(g, 0, s->rings[q->ring]);
	if (!err)
		err = gadget_load(g);
	if (!err)
		err = gadget_attach(g);
	if (err)
		return err;
	d->count = gadget_shared(g, d->fds);
	if (d->count < 0)
		return d->count;
	s->gadgets[q->number] = TAKE_PTR(g);
	return 0;
}

static int serve_open(struct broker_server *s, const struct broker_request *q,
		      struct descriptors *d)
{
	static const char *const files[] = {
		[BROKER_EXE] = "exe", [BROKER_MAPS] = "maps", [BROKER_ROOT] = "root"
	};
	char path[64];
	const char *name = path;
	/*
	 * O_PATH for the root: the worker may look up what it could read anyway, and gains
	 * nothing.
	 */
	int flags = q->what == BROKER_ROOT ? O_PATH | O_DIRECTORY
					   : O_RDONLY | O_NONBLOCK | O_NOCTTY,
	    fd;

	if (q->what >= BROKER_FILES || (q->what == BROKER_CONFIG && !s->config_file))
		return fail(-EINVAL, "file %u", q->what);
	if (q->what == BROKER_CONFIG)
		name = s->config_file;
	else if (q->what == BROKER_KALLSYMS)
		name = "/proc/kallsyms";
	else
		snprintf(path, sizeof(path), "/proc/%u/%s", q->number, files[q->what]);
	fd = open(name, flags | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(-errno, "%s", name);
	d->fds[d->count++] = fd;
	d->close = true;
	return 0;
}

static void unload(struct broker_server *s, u32 first, u32 count)
{
	for (u32 i = first; i < first + count; i++)
		s->gadgets[i] = gadget_free(s->gadgets[i]);
}

static int serve_one(struct broker_server *s, const struct broker_request *q,
		     struct broker_reply *reply, struct descriptors *d)
{
	struct losses losses;

	if (s->detaching &&
	    (q->type == BROKER_LOAD || q->type == BROKER_UNLOAD || q->type == BROKER_MISSED))
		return fail(-ESHUTDOWN, "the agent ends");
	switch (q->type) {
	case BROKER_RING:
		return serve_ring(s, q, d);
	case BROKER_LOAD:
		return serve_load(s, q, d);
	case BROKER_OPEN:
		return serve_open(s, q, d);
	case BROKER_SCRIPT:
		return scripts_describe(s->scripts, q->number, reply->text, sizeof(reply->text));
	case BROKER_UNLOAD:
	case BROKER_MISSED:
		if (q->number >= BROKER_GADGETS_MAX || !s->gadgets[q->number])
			return fail(-EINVAL, "gadget number %u", q->number);
		if (q->type == BROKER_UNLOAD) {
			unload(s, q->number, 1);
			return 0;
		}
		gadget_losses(s->gadgets[q->number], &losses);
		reply->value = losses.missed;
		return 0;
	default:
		return fail(-EINVAL, "request %u", q->type);
	}
}

/* One packet with the descriptors that are there; `present` tells the gaps. */
static int send_reply(int socket, struct broker_reply *reply, const struct descriptors *d)
{
	char control[CMSG_SPACE(sizeof(int) * GADGET_SHARED_MAX)] = {};
	struct iovec io = { reply, sizeof(*reply) };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	int fds[GADGET_SHARED_MAX];
	size_t n = 0;

	reply->slots = (u32)MAX(d->count, 0);
	for (int i = 0; i < d->count; i++) {
		if (d->fds[i] < 0)
			continue;
		reply->present |= 1u << i;
		fds[n++] = d->fds[i];
	}
	if (n) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)control;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	/* Never waits: who asks on without reading the answers is no worker of ours. */
	return sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

struct broker_server *broker_server_new(const char *config_file)
{
	struct broker_server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config_file = config_file;
	for (size_t i = 0; i < BROKER_RINGS_MAX; i++)
		s->rings[i] = -1;
	return s;
}

void broker_server_scripts(struct broker_server *s, const struct scripts *scripts)
{
	s->scripts = scripts;
}

void broker_server_ending(struct broker_server *s)
{
	s->detaching = true;
}

void broker_server_detach(struct broker_server *s)
{
	unload(s, 0, BROKER_GADGETS_MAX);
}

struct broker_server *broker_server_free(struct broker_server *s)
{
	if (!s)
		return NULL;
	broker_server_detach(s);
	for (size_t i = 0; i < BROKER_RINGS_MAX; i++) {
		if (s->rings[i] >= 0)
			close(s->rings[i]);
	}
	free(s);
	return NULL;
}

int broker_server_answer(struct broker_server *s, int socket)
{
	struct broker_reply reply = {};
	struct descriptors d = {};
	ssize_t n = recv(socket, &s->request, sizeof(s->request), 0);
	int err;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return -EPIPE;
	reply.error = n == sizeof(s->request) ? serve_one(s, &s->request, &reply, &d)
					      : fail(-EINVAL, "a malformed request");
	if (reply.error) {
		d.count = 0;
		snprintf(reply.text, sizeof(reply.text), "%s", error_text());
	}
	err = send_reply(socket, &reply, &d);
	for (int i = 0; i < d.count && d.close; i++)
		close(d.fds[i]);
	return err ? -EPIPE : 0;
}
