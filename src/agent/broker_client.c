// SPDX-License-Identifier: Apache-2.0
/* The worker's side of the broker: one request at a time, from any thread. See broker.h. */
#include "agent/broker.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

struct broker {
	int socket;
	pthread_mutex_t lock;
	struct broker_request request;
};

struct broker *broker_new(int socket)
{
	struct broker *b = calloc(1, sizeof(*b));

	if (!b) {
		close(socket);
		return NULL;
	}
	b->socket = socket;
	pthread_mutex_init(&b->lock, NULL);
	return b;
}

struct broker *broker_free(struct broker *b)
{
	if (!b)
		return NULL;
	close(b->socket);
	pthread_mutex_destroy(&b->lock);
	free(b);
	return NULL;
}

int broker_socket(const struct broker *b)
{
	return b->socket;
}

static size_t received_descriptors(struct msghdr *m, int *fds, size_t max)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t n;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	n = MIN(n, max);
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	return n;
}

/* The event loop has made the socket one that does not wait. */
static ssize_t wait_for_reply(int socket, struct msghdr *m)
{
	struct pollfd fd = { .fd = socket, .events = POLLIN };
	ssize_t size;

	for (;;) {
		size = recvmsg(socket, m, MSG_CMSG_CLOEXEC);
		if (size >= 0 || (errno != EINTR && errno != EAGAIN))
			return size;
		if (errno == EAGAIN)
			poll(&fd, 1, -1);
	}
}

/* Sends b->request and waits for the reply. @fds gets a slot each, -1 for the gaps. */
static int ask(struct broker *b, struct broker_reply *reply, int fds[GADGET_SHARED_MAX])
{
	char control[CMSG_SPACE(sizeof(int) * GADGET_SHARED_MAX)] = {};
	struct iovec io = { reply, sizeof(*reply) };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int got[GADGET_SHARED_MAX];
	size_t n, next = 0;
	ssize_t size;

	if (send(b->socket, &b->request, sizeof(b->request), MSG_NOSIGNAL) < 0)
		return fail_errno(-errno, "the broker does not answer");
	size = wait_for_reply(b->socket, &m);
	n = size > 0 ? received_descriptors(&m, got, GADGET_SHARED_MAX) : 0;
	if (size != sizeof(*reply) || reply->slots > GADGET_SHARED_MAX) {
		for (size_t i = 0; i < n; i++)
			close(got[i]);
		return fail(-EPIPE, "the broker does not answer");
	}
	for (u32 i = 0; i < GADGET_SHARED_MAX; i++)
		fds[i] = i < reply->slots && (reply->present & 1u << i) && next < n ? got[next++]
										    : -1;
	while (next < n)
		close(got[next++]);
	reply->text[sizeof(reply->text) - 1] = '\0';
	return reply->error ? fail(reply->error, "%s", reply->text) : 0;
}

/* Takes the lock; a request starts empty. */
static struct broker_request *begin(struct broker *b, enum broker_request_type type)
{
	pthread_mutex_lock(&b->lock);
	memset(&b->request, 0, sizeof(b->request));
	b->request.type = type;
	return &b->request;
}

static int end(struct broker *b, struct broker_reply *reply, int fds[GADGET_SHARED_MAX])
{
	int err = ask(b, reply, fds);

	pthread_mutex_unlock(&b->lock);
	return err;
}

int broker_ring(struct broker *b, u32 ring, size_t bytes, int *ret_fd)
{
	struct broker_request *q = begin(b, BROKER_RING);
	struct broker_reply reply;
	int fds[GADGET_SHARED_MAX], err;

	q->ring = ring;
	q->size = (u32)bytes;
	err = end(b, &reply, fds);
	if (!err)
		*ret_fd = fds[0];
	return err;
}

int broker_load(struct broker *b, struct gadget *g, u32 number, u32 ring, const char *parameters,
		size_t size, const struct bpf_insn *predicate, size_t count)
{
	struct broker_reply reply;
	struct broker_request *q;
	int fds[GADGET_SHARED_MAX], err;

	if (size > BROKER_PARAMETERS_MAX || count > BROKER_PREDICATE_MAX)
		return fail(-E2BIG, "%s: parameters or filter too long", gadget_info(g)->name);
	q = begin(b, BROKER_LOAD);
	q->number = number;
	q->ring = ring;
	q->what = (u32)getpid();
	snprintf(q->name, sizeof(q->name), "%s", gadget_info(g)->name);
	q->parameters_size = (u32)size;
	memcpy(q->parameters, parameters, size);
	q->predicate_count = (u32)count;
	if (count)
		memcpy(q->predicate, predicate, count * sizeof(*predicate));
	err = end(b, &reply, fds);
	return err ? err : gadget_adopt(g, fds, reply.slots);
}

int broker_unload(struct broker *b, u32 number)
{
	struct broker_request *q = begin(b, BROKER_UNLOAD);
	struct broker_reply reply;
	int fds[GADGET_SHARED_MAX];

	q->number = number;
	return end(b, &reply, fds);
}

int broker_missed(struct broker *b, u32 number, u64 *ret)
{
	struct broker_request *q = begin(b, BROKER_MISSED);
	struct broker_reply reply;
	int fds[GADGET_SHARED_MAX], err;

	q->number = number;
	err = end(b, &reply, fds);
	if (!err)
		*ret = reply.value;
	return err;
}

int broker_open(struct broker *b, u32 pid, enum broker_file what, int *ret_fd)
{
	struct broker_request *q = begin(b, BROKER_OPEN);
	struct broker_reply reply;
	int fds[GADGET_SHARED_MAX], err;

	q->number = pid;
	q->what = what;
	err = end(b, &reply, fds);
	if (!err)
		*ret_fd = fds[0];
	return err;
}

int broker_script(struct broker *b, u32 i, struct buf *text)
{
	struct broker_request *q = begin(b, BROKER_SCRIPT);
	struct broker_reply reply;
	int fds[GADGET_SHARED_MAX], err;

	q->number = i;
	err = end(b, &reply, fds);
	if (!err)
		buf_add_str(text, reply.text);
	return err;
}
