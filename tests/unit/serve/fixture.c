// SPDX-License-Identifier: Apache-2.0
/* See groups.h. The bus belongs to the test's thread: it publishes between its requests. */
#include "groups.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <sys/socket.h>

#define SLOTS 16

struct latency_record {
	struct record_header header;
	char key[16];
	u64 slots[SLOTS];
};

static struct schema *said_schema(void)
{
	struct schema *s = schema_new("said", "what was said", SCHEMA_EVENTS);
	int i = schema_add(s, "number", "", kind_find("unsigned"),
			   offsetof(struct served_record, number), 4, false);

	i = i < 0 ? i
		  : schema_add(s, "args", "", kind_find("args"),
			       offsetof(struct served_record, words), 4, false);
	if (i < 0)
		return NULL;
	s->columns[i].in_tail = true;
	schema_seal(s, offsetof(struct served_record, tail));
	return s;
}

static struct schema *latency_schema(void)
{
	struct schema *s = schema_new("my.latency", "how long it took", SCHEMA_HISTOGRAM);
	int key = schema_add(s, "who", "", kind_find("comm"), offsetof(struct latency_record, key),
			     16, false);
	int i = schema_add(s, "histogram", "", kind_find("histogram"),
			   offsetof(struct latency_record, slots), 8 * SLOTS, false);

	if (key < 0 || i < 0)
		return NULL;
	s->columns[key].is_key = true;
	s->columns[i].unit = "us";
	schema_seal(s, sizeof(struct latency_record));
	return s;
}

static void make(struct served_record *r, u32 number, const char *words, size_t len)
{
	u16 at = offsetof(struct served_record, tail);

	*r = (struct served_record){ .header = { .size = (u32)(at + len) }, .number = number };
	r->words[0] = at;
	r->words[1] = (u16)len;
	memcpy(r->tail, words, len);
}

void publish(struct fixture *f, u32 number, const char *words, size_t len)
{
	struct served_record bytes;
	struct record r = { .schema = f->said,
			    .data = (const u8 *)&bytes,
			    .wall_ns = clock_wall_ns() };

	make(&bytes, number, words, len);
	r.size = bytes.header.size;
	assert_int_equal(record_check(f->said, &bytes, r.size), 0);
	bus_publish(f->bus, &r);
}

void publish_latency(struct fixture *f, const char *key, u64 slot, u64 count)
{
	struct latency_record bytes = { .header = { .size = sizeof(bytes) } };
	const struct record r = { .schema = f->latency,
				  .data = (const u8 *)&bytes,
				  .size = sizeof(bytes),
				  .wall_ns = clock_wall_ns() };

	memcpy(bytes.key, key, MIN(strlen(key), sizeof(bytes.key)));
	bytes.slots[slot] = count;
	bus_publish(f->bus, &r);
}

static int fill_store(struct fixture *f)
{
	struct store_options o = { .directory = f->directory };
	struct store *s;
	int err = store_open(&o, &s);

	for (u32 i = 0; i < 1000 && !err; i++) {
		struct served_record bytes;
		struct record r = { .schema = f->said,
				    .data = (const u8 *)&bytes,
				    .wall_ns = clock_wall_ns() };

		make(&bytes, i, "a,\"b\"\0c", 8);
		r.size = bytes.header.size;
		err = store_append(s, &r);
	}
	if (!err)
		err = store_flush(s);
	store_close(s);
	return err;
}

static void add_status(void *context UNUSED, struct buf *b)
{
	buf_add_str(b, "{\"status\":\"here\"}\n");
}

static void add_metrics(void *context UNUSED, struct buf *b)
{
	buf_add_str(b, "# TYPE mine counter\nmine 1\n");
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct serve_options o = { .address = "127.0.0.1",
				   .clients = 40,
				   .query_timeout_ns = NSEC_PER_SEC / 2,
				   .mask_secrets = true,
				   .status = add_status,
				   .metrics = add_metrics };

	*state = f;
	if (!f)
		return -1;
	snprintf(f->directory, sizeof(f->directory), "/tmp/saker-serve-XXXXXX");
	f->said = said_schema();
	f->latency = latency_schema();
	f->bus = bus_new();
	if (!mkdtemp(f->directory) || !f->said || !f->latency || !f->bus || fill_store(f))
		return -1;
	o.store_directory = f->directory;
	if (serve_start(&o, f->bus, &f->serve))
		return -1;
	return serve_add_schema(f->serve, f->said) || serve_add_schema(f->serve, f->latency);
}

static int remove_one(const char *path, const struct stat *st UNUSED, int type UNUSED,
		      struct FTW *walk UNUSED)
{
	return remove(path);
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	serve_stop(f->serve);
	bus_free(f->bus);
	schema_free(f->said);
	schema_free(f->latency);
	nftw(f->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* ---- a client ------------------------------------------------------------------------------- */

int client(const struct fixture *f)
{
	const struct sockaddr_in a = { .sin_family = AF_INET,
				       .sin_port = htons(serve_port(f->serve)),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

void send_text(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

bool receive_more(int fd, struct buf *b)
{
	char *room = buf_room(b, 65536);
	ssize_t n = room ? recv(fd, room, 65536, 0) : -1;

	if (n <= 0)
		return false;
	b->len += (size_t)n;
	b->data[b->len] = '\0';
	return true;
}

bool receive_until(int fd, const char *pattern, struct buf *b)
{
	while (!pattern || !strstr(buf_str(b), pattern)) {
		if (!receive_more(fd, b))
			return false;
	}
	return true;
}

void receive_all(int fd, struct buf *b)
{
	receive_until(fd, NULL, b);
}

/* "1f\r\n...\r\n0\r\n\r\n"; an end that is missing is an answer that is not whole: nothing. */
static void join_chunks(const char *p, struct buf *body)
{
	unsigned long n;
	char *end;

	while ((n = strtoul(p, &end, 16)) > 0 && str_starts(end, "\r\n") && strlen(end + 2) >= n) {
		buf_add(body, end + 2, n);
		p = end + 2 + n + 2;
	}
	if (!str_starts(p, "0\r\n"))
		buf_clear(body);
}

unsigned get(const struct fixture *f, const char *target, struct buf *body)
{
	_cleanup_buf_ struct buf request = {}, answer = {};
	_cleanup_close_ int fd = client(f);
	const char *text;
	unsigned status = 0;

	buf_printf(&request, "GET %s HTTP/1.1\r\nHost: localhost:1\r\nConnection: close\r\n\r\n",
		   target);
	send_text(fd, request.data, request.len);
	receive_all(fd, &answer);
	sscanf(buf_str(&answer), "HTTP/1.1 %u", &status);
	text = strstr(buf_str(&answer), "\r\n\r\n");
	buf_clear(body);
	if (text && strcasestr(buf_str(&answer), "transfer-encoding: chunked"))
		join_chunks(text + 4, body);
	else if (text)
		buf_add_str(body, text + 4);
	assert_null(strcasestr(buf_str(&answer), "access-control"));
	return status;
}

unsigned status_of_bytes(const struct fixture *f, const char *bytes, size_t len)
{
	_cleanup_buf_ struct buf answer = {};
	_cleanup_close_ int fd = client(f);
	unsigned status = 0;

	send_text(fd, bytes, len);
	shutdown(fd, SHUT_WR);
	receive_all(fd, &answer);
	sscanf(buf_str(&answer), "HTTP/1.%*c %u", &status);
	return status;
}
