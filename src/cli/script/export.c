// SPDX-License-Identifier: Apache-2.0
/*
 * saker run --export: a script's records on their way to the agent (agent/wire.h). Nothing here
 * waits while the script runs: packets stand in a bounded queue and go when the agent takes them;
 * what does not fit is counted, and so is what was on its way when an agent was killed. An agent
 * that is away is looked for once a second, and told the schemas again.
 */
#include "cli/script/script.h"

#include "agent/agent.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BATCH_BYTES (32 << 10)
#define QUEUE_BYTES (4 << 20)
#define KEEP_BYTES (256 << 10) /* of the queue's beginning that was sent */
#define GREETING_MS 10000      /* an agent that starts has gadgets to load first */
#define FAREWELL_MS 1000
#define AGAIN_NS NSEC_PER_SEC
#define LOSSES_NS NSEC_PER_SEC

struct script_exporter {
	struct run *run;
	struct export *export;
	char *name;
	const char *path;
	int fd;			    /* -1: the agent is away */
	bool ready, told;	    /* greeted; it was said that the agent has gone */
	struct buf greeting, queue; /* packets, padded to 8 */
	size_t greeted, queued;	    /* what of them was sent */
	struct buf batch;	    /* a RECORDS packet that is being filled */
	u32 batch_count;
	u64 sent, taken; /* records, of this connection */
	u64 unsent;	 /* records, of the whole run */
	u64 again_ns, read_ns, losses_ns, interval_ns;
	struct wire_losses losses; /* as the agent knows them */
	bool refused;
	char reason[WIRE_TEXT_MAX + 1];
};

/* ---- packets --------------------------------------------------------------------------------- */

static void add_packet(struct buf *b, enum wire_type type, u32 number, const void *body, size_t len)
{
	struct wire_header h = { .type = type, .number = number, .size = (u32)(sizeof(h) + len) };

	buf_add(b, &h, sizeof(h));
	if (len)
		buf_add(b, body, len);
	buf_add_fill(b, '\0', (8 - len % 8) % 8);
}

static bool has_room(const struct script_exporter *x, size_t len)
{
	return x->queue.len - x->queued + len <= QUEUE_BYTES && !x->queue.error;
}

static void queue_packet(struct script_exporter *x, enum wire_type type, u32 number,
			 const void *body, size_t len)
{
	if (has_room(x, len + 64))
		add_packet(&x->queue, type, number, body, len);
}

static void end_batch(struct script_exporter *x)
{
	struct buf *b = &x->batch;

	if (x->batch_count && !b->error && has_room(x, b->len + 64))
		add_packet(&x->queue, WIRE_RECORDS, x->batch_count, b->data, b->len);
	else
		x->unsent += x->batch_count;
	x->batch_count = 0;
	b->error = 0;
	buf_clear(b);
}

static void on_record(void *context, u32 schema, const struct record *r)
{
	struct script_exporter *x = context;
	struct wire_record head = { .schema = schema, .size = r->size };

	if (x->batch.len + r->size > BATCH_BYTES)
		end_batch(x);
	buf_add(&x->batch, &head, sizeof(head));
	buf_add(&x->batch, r->data, r->size);
	buf_add_fill(&x->batch, '\0', (8 - r->size % 8) % 8);
	x->batch_count++;
}

static void on_batch_end(void *context, u32 schema)
{
	struct script_exporter *x = context;

	end_batch(x);
	queue_packet(x, WIRE_BATCH_END, schema, NULL, 0);
}

static void add_losses(struct script_exporter *x)
{
	struct export_losses l;
	struct wire_losses now = { .unsent = x->unsent };

	export_losses(x->export, &l);
	now.ring = l.kinds[LOSS_RING];
	now.map_full = l.kinds[LOSS_MAP_FULL];
	now.unsent += l.malformed + l.failed;
	now.other = l.cut;
	for (int i = 0; i < LOSS_KINDS; i++)
		now.other += i == LOSS_RING || i == LOSS_MAP_FULL ? 0 : l.kinds[i];
	if (!memcmp(&now, &x->losses, sizeof(now)) || !has_room(x, sizeof(now) + 64))
		return;
	x->losses = now;
	queue_packet(x, WIRE_LOSSES, 0, &now, sizeof(now));
}

/* ---- the connection -------------------------------------------------------------------------- */

static void disconnect(struct script_exporter *x)
{
	if (x->fd < 0)
		return;
	close(x->fd);
	x->fd = -1;
	/* What it had in its hands nobody has now. */
	if (x->sent > x->taken)
		x->unsent += x->sent - x->taken;
	x->sent = x->taken = 0;
	x->losses = (struct wire_losses){};
	x->greeted = 0;
	x->again_ns = clock_monotonic_ns() + AGAIN_NS;
	if (x->ready && !x->told)
		fprintf(stderr,
			"saker: the agent has gone: what the script %s exports waits for it\n",
			x->name);
	x->told = x->told || x->ready;
	x->ready = false;
}

static void take_answer(struct script_exporter *x, const struct wire_header *h, const u8 *body,
			size_t len)
{
	struct wire_taken t;

	if (h->type == WIRE_REFUSED) {
		x->refused = true;
		snprintf(x->reason, sizeof(x->reason), "%.*s", (int)MIN(len, WIRE_TEXT_MAX),
			 (const char *)body);
		return;
	}
	if (h->type != WIRE_TAKEN || len != sizeof(t))
		return;
	memcpy(&t, body, sizeof(t));
	x->taken = MIN(t.records, x->sent);
	x->interval_ns = MAX(t.interval_ns, NSEC_PER_MSEC);
	if (!x->ready && x->told)
		fprintf(stderr, "saker: the agent is there again: the script %s goes on\n",
			x->name);
	x->ready = true;
	x->told = false;
}

/* What the agent says. Its end is noticed here. */
static void receive(struct script_exporter *x)
{
	u8 packet[sizeof(struct wire_header) + WIRE_TEXT_MAX];
	bool reset = false;

	while (x->fd >= 0) {
		struct wire_header h;
		ssize_t n = recv(x->fd, packet, sizeof(packet), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* It closed with packets of ours unread: its own last ones still stand there. */
		if (n < 0 && errno == ECONNRESET && !reset) {
			reset = true;
			continue;
		}
		if (n < (ssize_t)sizeof(h)) {
			disconnect(x);
			return;
		}
		memcpy(&h, packet, sizeof(h));
		take_answer(x, &h, packet + sizeof(h), (size_t)n - sizeof(h));
	}
}

/* Sends packets of @b from *@at on as far as the agent takes them; true: all went. */
static bool send_packets(struct script_exporter *x, const struct buf *b, size_t *at)
{
	while (x->fd >= 0 && *at < b->len) {
		struct wire_header h;

		memcpy(&h, b->data + *at, sizeof(h));
		if (send(x->fd, b->data + *at, h.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
			if (errno != EAGAIN && errno != EINTR) {
				receive(x); /* perhaps it has said why */
				disconnect(x);
			}
			return false;
		}
		if (h.type == WIRE_RECORDS)
			x->sent += h.number;
		*at += (h.size + 7) / 8 * 8;
	}
	return x->fd >= 0;
}

static void compact(struct script_exporter *x)
{
	struct buf *q = &x->queue;

	if (x->queued == q->len) {
		x->queued = 0;
		buf_clear(q);
		if (q->cap > KEEP_BYTES)
			buf_free(q);
	} else if (x->queued > KEEP_BYTES) {
		memmove(q->data, q->data + x->queued, q->len - x->queued);
		q->len -= x->queued;
		x->queued = 0;
	}
}

static int connect_agent(struct script_exporter *x)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(x->path) >= sizeof(to.sun_path))
		return fail(-ENAMETOOLONG, "%s is too long for a socket", x->path);
	memcpy(to.sun_path, x->path, strlen(x->path) + 1);
	x->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->fd < 0)
		return fail_errno(-errno, "cannot make a socket");
	x->refused = false;
	if (!connect(x->fd, (const void *)&to, sizeof(to)))
		return 0;
	close(x->fd);
	x->fd = -1;
	x->again_ns = clock_monotonic_ns() + AGAIN_NS;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return fail(-errno,
			    "no agent runs that could take the records (nobody listens at "
			    "%s; start one: saker agent)",
			    x->path);
	return fail_errno(-errno, "cannot reach the agent at %s", x->path);
}

/* All that can be done without waiting. */
static void pump(struct script_exporter *x)
{
	if (x->fd < 0 && clock_monotonic_ns() >= x->again_ns)
		connect_agent(x);
	receive(x);
	if (x->fd >= 0 && !send_packets(x, &x->greeting, &x->greeted))
		return;
	if (x->ready)
		send_packets(x, &x->queue, &x->queued);
	compact(x);
}

static void wait_for_agent(const struct script_exporter *x, bool to_send)
{
	struct pollfd fd = { .fd = x->fd, .events = (short)(to_send ? POLLIN | POLLOUT : POLLIN) };

	/* A peer's full queue is no event: hence not for long. */
	poll(&fd, 1, 5);
}

static int greet(struct script_exporter *x)
{
	u64 until = clock_monotonic_ns() + GREETING_MS * NSEC_PER_MSEC;
	int err = connect_agent(x);

	if (err)
		return err;
	while (!x->ready && x->fd >= 0 && clock_monotonic_ns() < until) {
		pump(x);
		if (!x->ready && x->fd >= 0)
			wait_for_agent(x, false);
	}
	if (x->refused)
		return fail(-EPERM, "the agent does not take the script: %s", x->reason);
	return x->ready ? 0 : fail(-ETIMEDOUT, "the agent at %s does not answer", x->path);
}

/* ---- the script's side ----------------------------------------------------------------------- */

static int make_greeting(struct script_exporter *x)
{
	struct wire_hello hello = {};

	snprintf(hello.name, sizeof(hello.name), "%s", x->name);
	add_packet(&x->greeting, WIRE_HELLO, WIRE_VERSION, &hello, sizeof(hello));
	for (size_t i = 0; i < export_count(x->export); i++) {
		_cleanup_buf_ struct buf json = {};

		schema_to_json(export_schema(x->export, i), &json);
		if (json.error || json.len > WIRE_PACKET_MAX - 64)
			return fail(-E2BIG, "%s has too many columns to export",
				    export_schema(x->export, i)->name);
		add_packet(&x->greeting, WIRE_SCHEMA, (u32)i, json.data, json.len);
	}
	add_packet(&x->greeting, WIRE_READY, 0, NULL, 0);
	return x->greeting.error ? fail(-ENOMEM, "out of memory") : 0;
}

int script_exporter_new(const struct script_command *c, struct run *r, const char *file,
			struct script_exporter **ret)
{
	struct script_exporter *x = calloc(1, sizeof(*x));
	struct export_sink sink = { .context = x, .record = on_record, .batch_end = on_batch_end };
	int err;

	if (!x)
		return fail(-ENOMEM, "out of memory");
	x->run = r;
	x->fd = -1;
	x->path = c->export_socket ? c->export_socket : WIRE_PATH;
	x->name = export_name(c->export_name ? c->export_name : file ? file : "script");
	err = x->name ? export_new(r, x->name, &sink, &x->export) : fail(-ENOMEM, "out of memory");
	if (!err)
		err = make_greeting(x);
	if (!err)
		err = greet(x);
	if (err) {
		script_exporter_free(x);
		return err;
	}
	x->read_ns = clock_monotonic_ns() + x->interval_ns;
	*ret = x;
	return 0;
}

struct script_exporter *script_exporter_free(struct script_exporter *x)
{
	const struct wire_header bye = { .type = WIRE_GOODBYE, .size = sizeof(bye) };

	if (!x)
		return NULL;
	/* One that ended otherwise than by its end (an attach point that is missing) says so. */
	if (x->ready)
		send(x->fd, &bye, sizeof(bye), MSG_DONTWAIT | MSG_NOSIGNAL);
	close_fd(&x->fd);
	export_free(x->export);
	buf_free(&x->greeting);
	buf_free(&x->queue);
	buf_free(&x->batch);
	free(x->name);
	free(x);
	return NULL;
}

ssize_t script_exporter_consume(struct script_exporter *x)
{
	ssize_t n = export_consume(x->export);

	end_batch(x);
	pump(x);
	return n;
}

void script_exporter_tick(struct script_exporter *x)
{
	u64 now = clock_monotonic_ns();

	if (now >= x->read_ns) {
		if (export_read(x->export))
			fprintf(stderr, "saker: %s: %s\n", x->name, error_text());
		end_batch(x);
		x->read_ns = now + x->interval_ns;
	}
	if (x->ready && now >= x->losses_ns) {
		add_losses(x);
		x->losses_ns = now + LOSSES_NS;
	}
	pump(x);
}

/* Records that stand in the queue. */
static u64 waiting(const struct script_exporter *x)
{
	u64 sum = 0;

	for (size_t at = x->queued; at < x->queue.len;) {
		struct wire_header h;

		memcpy(&h, x->queue.data + at, sizeof(h));
		sum += h.type == WIRE_RECORDS ? h.number : 0;
		at += (h.size + 7) / 8 * 8;
	}
	return sum;
}

int script_exporter_end(struct script_exporter *x)
{
	u64 until;
	int err = export_end(x->export);

	end_batch(x);
	add_losses(x);
	queue_packet(x, WIRE_GOODBYE, 0, NULL, 0);
	until = clock_monotonic_ns() + FAREWELL_MS * NSEC_PER_MSEC;
	do {
		pump(x);
		if (x->fd < 0 || (x->queued == x->queue.len && x->taken == x->sent))
			break;
		wait_for_agent(x, x->queued < x->queue.len);
	} while (clock_monotonic_ns() < until);
	x->unsent += x->sent - x->taken + waiting(x);
	if (x->unsent)
		fprintf(stderr, "saker: %s: %llu records did not reach the agent\n", x->name,
			(unsigned long long)x->unsent);
	return err;
}
