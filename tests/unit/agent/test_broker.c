// SPDX-License-Identifier: Apache-2.0
/*
 * The broker believes nothing: what a worker that was taken over could ask for is refused. No
 * privilege is needed here: refusals come before the kernel is asked.
 */
#include "groups.h"

#include <pthread.h>
#include <sys/socket.h>

struct pair {
	struct broker *broker;
	int socket, raw; /* the server's end; the client's, for packets that no client sends */
	pthread_t thread;
	char config[64];
};

static void *serve(void *context)
{
	struct pair *p = context;
	struct broker_server *s = broker_server_new(p->config);

	while (!broker_server_answer(s, p->socket))
		;
	broker_server_free(s);
	close(p->socket);
	return NULL;
}

static int pair_setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int sockets[2], fd;

	if (!p || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -1;
	snprintf(p->config, sizeof(p->config), "/tmp/saker-broker-XXXXXX");
	fd = mkstemp(p->config);
	if (fd < 0 || write(fd, "hello", 5) != 5)
		return -1;
	close(fd);
	p->socket = sockets[0];
	p->raw = dup(sockets[1]);
	p->broker = broker_new(sockets[1]);
	*state = p;
	return pthread_create(&p->thread, NULL, serve, p);
}

static int pair_teardown(void **state)
{
	struct pair *p = *state;

	broker_free(p->broker);
	close(p->raw);
	pthread_join(p->thread, NULL);
	unlink(p->config);
	free(p);
	return 0;
}

static void opens_what_it_may(void **state)
{
	struct pair *p = *state;
	char text[8] = {};
	int fd = -1;

	assert_int_equal(broker_open(p->broker, 0, BROKER_CONFIG, &fd), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	assert_true(write(fd, "x", 1) < 0);
	close(fd);
	assert_int_equal(broker_open(p->broker, (u32)getpid(), BROKER_EXE, &fd), 0);
	assert_true(write(fd, "x", 1) < 0);
	close(fd);
	assert_int_equal(broker_open(p->broker, (u32)getpid(), BROKER_ROOT, &fd), 0);
	assert_true(read(fd, text, 1) < 0);
	close(fd);
	fd = -7;
	assert_true(broker_open(p->broker, UINT32_MAX, BROKER_MAPS, &fd) < 0);
	assert_int_equal(broker_open(p->broker, 1, BROKER_FILES, &fd), -EINVAL);
	assert_int_equal(broker_open(p->broker, 1, (enum broker_file)99, &fd), -EINVAL);
	assert_int_equal(fd, -7);
}

static void refuses_numbers_out_of_range(void **state)
{
	struct pair *p = *state;
	u64 value;
	int fd;

	assert_int_equal(broker_ring(p->broker, BROKER_RINGS_MAX, 4096, &fd), -EINVAL);
	assert_int_equal(broker_ring(p->broker, 0, 5000, &fd), -EINVAL);
	assert_int_equal(broker_ring(p->broker, 0, 1 << 30, &fd), -EINVAL);
	assert_int_equal(broker_unload(p->broker, 0), -EINVAL);
	assert_int_equal(broker_unload(p->broker, UINT32_MAX), -EINVAL);
	assert_int_equal(broker_missed(p->broker, BROKER_GADGETS_MAX, &value), -EINVAL);
}

static void answers_what_is_no_request(void **state)
{
	struct pair *p = *state;
	struct broker_request q = { .type = 77 };
	struct broker_reply reply;

	assert_int_equal(send(p->raw, "x", 1, 0), 1);
	assert_int_equal(recv(p->raw, &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.error, -EINVAL);
	assert_int_equal(send(p->raw, &q, sizeof(q), 0), sizeof(q));
	assert_int_equal(recv(p->raw, &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.error, -EINVAL);
	q.type = BROKER_LOAD;
	memset(q.name, 'a', sizeof(q.name)); /* no end */
	assert_int_equal(send(p->raw, &q, sizeof(q), 0), sizeof(q));
	assert_int_equal(recv(p->raw, &reply, sizeof(reply), 0), sizeof(reply));
	assert_true(reply.error < 0);
}

/* Two hundred requests with no answer read: the broker gives the worker up, and does not wait. */
static void does_not_wait_for_a_worker(void **state)
{
	struct pair *p = *state;
	struct broker_request q = { .type = 77 };

	for (int i = 0; i < 2000; i++) {
		if (send(p->raw, &q, sizeof(q), MSG_NOSIGNAL) < 0) {
			assert_true(errno == EPIPE || errno == ECONNRESET);
			return;
		}
	}
	fail_msg("the broker still answers");
}

static void takes_filters_only(void **state UNUSED)
{
	const struct bpf_insn
		call = { .code = BPF_JMP | BPF_CALL, .imm = 109 },
		leave = { .code = BPF_JMP | BPF_EXIT },
		write = { .code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 2 },
		stack = { .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 10 },
		map = { .code = BPF_LD | BPF_IMM | BPF_DW, .src_reg = 1, .dst_reg = 2 },
		back = { .code = BPF_JMP | BPF_JEQ, .off = -1 },
		far = { .code = BPF_JMP | BPF_JEQ, .off = 1 }, jump = { .code = BPF_JMP | BPF_JEQ },
		add = { .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 0, .imm = 1 },
		load = { .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1 };
	const struct bpf_insn wide[2] = { { .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 3 } };
	const struct bpf_insn good[] = { load, jump, add };
	const struct bpf_insn bad[] = { call, leave, write, stack, map, back, far, wide[0] };

	assert_int_equal(broker_check_predicate(good, ARRAY_SIZE(good)), 0);
	assert_int_equal(broker_check_predicate(wide, ARRAY_SIZE(wide)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(broker_check_predicate(&bad[i], 1), -EPERM);
}

/* What the compiler of filters makes, the broker takes: all operators. */
static void takes_all_filters(void **state UNUSED)
{
	static const char *const filters[] = {
		"ret < 0 && comm == \"nginx\"",
		"path startswith \"/etc/\" || path endswith \".so\"",
		"path contains \"x\" && !(uid in (0, 1000))",
		"flags & (1|2) == 2 && error == ENOENT",
		"path like \"/a*b?c*\"",
		"pid == 4294967295 || fd > 100",
	};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct config_gadget c = { .name = (char *)"opensnoop",
					   .where = (char *)filters[i] };
		_cleanup_(host_freep) struct host *host = host_new(NULL);
		_cleanup_(gadget_freep) struct gadget *g = NULL;
		_cleanup_(expression_freep) struct expression *user = NULL;
		struct bpf_insn predicate[BROKER_PREDICATE_MAX];
		size_t count;

		if (gadget_setup(&c, host, &g) ||
		    gadget_setup_where(&c, g, predicate, &count, &user) ||
		    broker_check_predicate(predicate, count))
			fail_msg("%s: %s", filters[i], error_text());
		gadget_free(TAKE_PTR(g)); /* before the host, whose columns it has */
	}
}

int run_broker_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opens_what_it_may, pair_setup, pair_teardown),
		cmocka_unit_test_setup_teardown(refuses_numbers_out_of_range, pair_setup,
						pair_teardown),
		cmocka_unit_test_setup_teardown(answers_what_is_no_request, pair_setup,
						pair_teardown),
		cmocka_unit_test_setup_teardown(does_not_wait_for_a_worker, pair_setup,
						pair_teardown),
		cmocka_unit_test(takes_filters_only),
		cmocka_unit_test(takes_all_filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
