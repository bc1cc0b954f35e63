// SPDX-License-Identifier: Apache-2.0
/*
 * Scripts that are connected: see ingest.h. On the worker's thread, in turn with the rings: a share
 * of packets each time, so that a loud script waits (and counts what it drops), not the rings.
 */
#include "agent/ingest_internal.h"

#include <fcntl.h>
#include <sys/socket.h>

#define SHARE 32		      /* packets */
#define PAST_NS (3600 * NSEC_PER_SEC) /* a record that is older has no time of its own */

/* ---- answers --------------------------------------------------------------------------------- */

static void send_packet(int fd, enum wire_type type, const void *bytes, size_t len)
{
	u8 packet[sizeof(struct wire_header) + WIRE_TEXT_MAX];
	struct wire_header h = { .type = type, .size = (u32)(sizeof(h) + len) };

	memcpy(packet, &h, sizeof(h));
	memcpy(packet + sizeof(h), bytes, len);
	/* A script that does not read what we say learns it with the next packet, or never. */
	if (send(fd, packet, h.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
		log_debug("a script does not listen: %s", strerror(errno));
}

static void send_taken(const struct ingest_source *s)
{
	struct wire_taken t = { .records = s->records,
				.interval_ns = s->in->worker->config->interval_ns };

	send_packet(s->fd, WIRE_TAKEN, &t, sizeof(t));
}

static void send_refusal(int fd, const char *text)
{
	send_packet(fd, WIRE_REFUSED, text, strnlen(text, WIRE_TEXT_MAX));
}

/* ---- one script's life ----------------------------------------------------------------------- */

static void unlink_source(struct ingest_source *s)
{
	struct ingest_source **at = &s->in->sources;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
}

static void on_closed(uv_handle_t *handle)
{
	struct ingest_source *s = handle->data;

	unlink_source(s);
	free(s);
}

static u64 lost_of(const struct ingest_source *s)
{
	return s->losses.ring + s->losses.map_full + s->losses.unsent + s->malformed;
}

static void say_goodbye(const struct ingest_source *s)
{
	if (!s->goodbye)
		log_warning("script %s (process %u) ended without a word: what it had not sent is "
			    "lost; %llu records came, %llu are known to be lost",
			    s->name, s->pid, (unsigned long long)s->records,
			    (unsigned long long)lost_of(s));
	else if (lost_of(s))
		log_warning(
			"script %s has ended: %llu records came, %llu are lost (ring %llu, full "
			"map %llu, not sent %llu, malformed %llu)",
			s->name, (unsigned long long)s->records, (unsigned long long)lost_of(s),
			(unsigned long long)s->losses.ring, (unsigned long long)s->losses.map_full,
			(unsigned long long)s->losses.unsent, (unsigned long long)s->malformed);
	else
		log_debug("script %s has ended: %llu records came", s->name,
			  (unsigned long long)s->records);
}

/* It is freed when the loop has closed its handle. */
static void source_end(struct ingest_source *s)
{
	if (s->fd < 0)
		return;
	if (s->ready) {
		say_goodbye(s);
		s->in->vanished += !s->goodbye;
	}
	ingest_drop_schemas(s);
	uv_poll_stop(&s->poll);
	close(s->fd);
	s->fd = -1;
	s->named = s->ready = false;
	if (s->in->worker->loop_runs)
		uv_close((uv_handle_t *)&s->poll, on_closed);
}

static void refuse(struct ingest_source *s)
{
	_cleanup_buf_ struct buf why = {};

	/* It may quote what came. */
	text_add_safe(&why, error_text(), strlen(error_text()));
	s->in->refused++;
	log_warning("a script (process %u%s%s) is refused: %s", s->pid, s->named ? ", " : "",
		    s->name, buf_str(&why));
	send_refusal(s->fd, buf_str(&why));
	s->ready = false;
	source_end(s);
}

/* ---- packets --------------------------------------------------------------------------------- */

static bool take_some(struct ingest_source *s, int max);

static struct ingest_source *find(const struct ingest *in, const char *name)
{
	for (struct ingest_source *s = in->sources; s; s = s->next) {
		if (s->named && s->fd >= 0 && !strcmp(s->name, name))
			return s;
	}
	return NULL;
}

static int take_hello(struct ingest_source *s, const struct wire_header *h, const void *body,
		      size_t len)
{
	struct wire_hello hello;
	struct ingest_source *other;

	if (s->named || len != sizeof(hello))
		return fail(-EBADMSG, "a malformed greeting");
	if (h->number != WIRE_VERSION)
		return fail(-EPROTO, "it speaks version %u, the agent %d: are both of one build?",
			    h->number, WIRE_VERSION);
	memcpy(&hello, body, sizeof(hello));
	hello.name[sizeof(hello.name) - 1] = '\0';
	if (!ingest_check_name(hello.name))
		return fail(-EINVAL, "a script's name takes letters, digits, _ and -");
	other = find(s->in, hello.name);
	/* One that was killed may only not have been noticed yet. */
	if (other && take_some(other, INT32_MAX))
		return fail(-EEXIST,
			    "a script '%s' is exported already (process %u); "
			    "--export-name gives this one another name",
			    hello.name, other->pid);
	memcpy(s->name, hello.name, sizeof(s->name));
	s->source.config.name = s->name;
	s->named = true;
	return 0;
}

static void publish(struct ingest_source *s, const struct ingest_schema *one, u8 *data, u32 size)
{
	struct worker *w = s->in->worker;
	struct record_header h;
	struct record r = { .schema = one->schema, .data = data, .size = size };

	if (record_check(one->schema, data, size)) {
		s->malformed++;
		return;
	}
	memcpy(&h, data, sizeof(h));
	/* The store keeps what happened under its time: it may not be from any other day. */
	if (h.time > w->now || w->now - h.time > PAST_NS)
		h.time = w->now;
	h.size = size;
	memcpy(data, &h, sizeof(h));
	r.wall_ns = h.time + w->wall_offset;
	bus_publish(w->bus, &r);
	if (w->sink && one->materializer)
		sink_offer(w->sink, &s->source, one->materializer, &r, w->now);
}

static int take_records(struct ingest_source *s, u32 count, u8 *at, size_t len)
{
	struct worker *w = s->in->worker;

	w->now = clock_monotonic_ns();
	w->wall_offset = clock_wall_ns() - w->now;
	for (u32 i = 0; i < count; i++) {
		struct wire_record r;
		size_t padded;

		if (len < sizeof(r))
			return fail(-EBADMSG, "a packet ends within a record");
		memcpy(&r, at, sizeof(r));
		padded = ((size_t)r.size + 7) / 8 * 8;
		at += sizeof(r);
		len -= sizeof(r);
		if (padded > len || r.schema >= s->count)
			return fail(-EBADMSG, "a record of a packet is malformed");
		s->records++;
		publish(s, &s->schemas[r.schema], at, r.size);
		at += padded;
		len -= padded;
	}
	return len ? fail(-EBADMSG, "a packet has more than its records") : 0;
}

static int take_ready(struct ingest_source *s)
{
	if (!s->named || s->ready || !s->count)
		return fail(-EBADMSG, "a script without schemas");
	s->ready = true;
	log_debug("script %s (process %u) is exported: %u schemas", s->name, s->pid, s->count);
	send_taken(s);
	return 0;
}

/* Before READY there are schemas, behind it records. */
static int take_packet(struct ingest_source *s, const struct wire_header *h, u8 *body, size_t len)
{
	switch (h->type) {
	case WIRE_HELLO:
		return take_hello(s, h, body, len);
	case WIRE_SCHEMA:
		return s->named && !s->ready ? ingest_adopt(s, h->number, (const char *)body, len)
					     : fail(-EBADMSG, "a schema at the wrong time");
	case WIRE_READY:
		return take_ready(s);
	default:
		break;
	}
	if (!s->ready)
		return fail(-EBADMSG, "records before their schemas");
	switch (h->type) {
	case WIRE_RECORDS:
		return take_records(s, h->number, body, len);
	case WIRE_BATCH_END:
		if (h->number >= s->count)
			return fail(-EBADMSG, "the end of an unknown schema's rows");
		bus_batch_end(s->in->worker->bus, s->schemas[h->number].schema);
		return 0;
	case WIRE_LOSSES:
		if (len != sizeof(s->losses))
			break;
		memcpy(&s->losses, body, len);
		return 0;
	case WIRE_GOODBYE:
		s->goodbye = true;
		return 0;
	default:
		break;
	}
	return fail(-EBADMSG, "a packet of no known type");
}

/* Takes up to @max packets; false when the script is gone. */
static bool take_some(struct ingest_source *s, int max)
{
	u64 before = s->records;
	bool reset = false;

	for (int i = 0; i < max; i++) {
		u8 *packet = (u8 *)s->in->packet;
		struct wire_header h;
		ssize_t n = recv(s->fd, packet, sizeof(s->in->packet), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		/* It was killed before it read our last answer: its packets still stand there. */
		if (n < 0 && errno == ECONNRESET && !reset) {
			reset = true;
			continue;
		}
		if (n <= 0) {
			source_end(s);
			return false;
		}
		memcpy(&h, packet, sizeof(h));
		if (n < (ssize_t)sizeof(h) || n > WIRE_PACKET_MAX || h.size != n) {
			fail(-EBADMSG, "a malformed packet");
			refuse(s);
			return false;
		}
		if (take_packet(s, &h, packet + sizeof(h), (size_t)n - sizeof(h))) {
			refuse(s);
			return false;
		}
	}
	if (s->records != before || s->goodbye)
		send_taken(s);
	return true;
}

static void on_packets(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
	take_some(handle->data, SHARE);
}

/* ---- coming ---------------------------------------------------------------------------------- */

static size_t count_sources(const struct ingest *in)
{
	size_t n = 0;

	for (const struct ingest_source *s = in->sources; s; s = s->next)
		n += s->fd >= 0;
	return n;
}

/* Who is it, and may it? */
static int check_peer(struct ingest *in, int fd, u32 *ret_pid)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return fail_errno(-errno, "a script");
	/* The socket's mode keeps others out; this holds when somebody widened it. */
	if (peer.uid)
		return fail(-EPERM, "only root may export records to the agent");
	if (count_sources(in) >= INGEST_SOURCES_MAX)
		return fail(-EBUSY, "%d scripts are exported already", INGEST_SOURCES_MAX);
	*ret_pid = (u32)peer.pid;
	return 0;
}

static void welcome(struct ingest *in, int fd)
{
	struct ingest_source *s;
	u32 pid = 0;

	if (check_peer(in, fd, &pid)) {
		in->refused++;
		send_refusal(fd, error_text());
		close(fd);
		return;
	}
	s = calloc(1, sizeof(*s));
	if (!s || uv_poll_init(&in->worker->loop, &s->poll, fd)) {
		free(s);
		close(fd);
		return;
	}
	s->in = in;
	s->fd = fd;
	s->pid = pid;
	s->source.worker = in->worker;
	s->source.config.budget = in->worker->config->scripts_budget;
	s->poll.data = s;
	s->next = in->sources;
	in->sources = s;
	uv_poll_start(&s->poll, UV_READABLE | UV_DISCONNECT, on_packets);
}

static void on_connection(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
	struct ingest *in = handle->data;
	int fd;

	while ((fd = accept4(in->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		welcome(in, fd);
}

/* ---- the whole ------------------------------------------------------------------------------- */

int ingest_start(struct worker *w, int listener, struct ingest **ret)
{
	struct ingest *in = calloc(1, sizeof(*in));
	int err;

	if (!in)
		return fail(-ENOMEM, "out of memory");
	in->worker = w;
	in->listener = listener;
	err = uv_poll_init(&w->loop, &in->poll, listener);
	if (err) {
		free(in);
		return fail(err, "the socket for scripts: %s", uv_strerror(err));
	}
	in->poll.data = in;
	uv_poll_start(&in->poll, UV_READABLE, on_connection);
	*ret = in;
	return 0;
}

void ingest_stop(struct ingest *in)
{
	if (!in)
		return;
	uv_poll_stop(&in->poll);
	for (struct ingest_source *s = in->sources; s; s = s->next) {
		if (s->fd >= 0 && take_some(s, 4 * SHARE) && s->fd >= 0) {
			s->goodbye = true; /* it is we who go */
			source_end(s);
		}
	}
}

struct ingest *ingest_free(struct ingest *in)
{
	while (in && in->sources) {
		struct ingest_source *s = in->sources;

		in->sources = s->next;
		free(s);
	}
	free(in);
	return NULL;
}

void ingest_configure(struct ingest *in)
{
	bool drained = false;

	for (struct ingest_source *s = in ? in->sources : NULL; s; s = s->next) {
		if (!s->count)
			continue;
		if (!drained && in->worker->sink)
			sink_drain(in->worker->sink);
		drained = true;
		s->source.config.budget = in->worker->config->scripts_budget;
		if (ingest_materialize(s))
			log_error("script %s is not stored: %s", s->name, error_text());
	}
}

void ingest_schemas(const struct ingest *in, void (*fn)(void *context, const struct schema *s),
		    void *context)
{
	for (const struct ingest_source *s = in ? in->sources : NULL; s; s = s->next) {
		for (u32 i = 0; i < s->count; i++)
			fn(context, s->schemas[i].schema);
	}
}
