// SPDX-License-Identifier: Apache-2.0
/*
 * The ring's reading end: order, discarded records, the wrap, a full ring, and a producer on
 * another CPU while we read, with received + lost = sent.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "fixture.h"
#include "groups.h"

struct seen {
	u64 next, count, gaps, size, tag;
};

static void on_record(void *context, const void *data, size_t size)
{
	struct seen *s = context;
	const u64 *record = data;

	s->gaps += record[0] != s->next;
	s->next = record[0] + 1;
	s->size = size;
	s->tag = record[1];
	s->count++;
}

static void fill(const struct object *o, u64 count, u64 tag, u64 discard)
{
	u64 args[12] = { count, tag, discard };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));

	must(bpf_prog_test_run_opts(bpf_program__fd(program_of(o, "fill")), &opts));
}

static struct object *load_filler(struct ring **ring)
{
	struct object *o = open_object(running_object());
	struct bpf_program *p;

	bpf_object__for_each_program(p, object_bpf(o))
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), "fill"));
	must(object_load(o));
	must(ring_open(bpf_object__find_map_fd_by_name(object_bpf(o), "events"), ring));
	return o;
}

static void records_come_in_order(void **state)
{
	struct seen s = {};
	struct ring *ring;
	struct object *o;

	need_bpf();
	o = load_filler(&ring);
	assert_int_equal(ring_size(ring), 4096);
	assert_int_equal(ring_available(ring), 0);
	assert_int_equal(ring_consume(ring, on_record, &s, 0), 0);
	for (u64 round = 0; round < 500;
	     round++) { /* many times around the ring, ending anywhere */
		u64 count = round % 63 + 1;

		fill(o, count, round, 0);
		assert_int_equal(ring_available(ring), count * 64);
		assert_int_equal(ring_consume(ring, on_record, &s, 0), count);
		assert_int_equal(s.tag, round);
		assert_int_equal(s.size, 56);
	}
	assert_int_equal(s.gaps, 0);
	assert_int_equal(*(u64 *)variable(o, ".bss", "lost"), 0);
	ring_free(ring);
	object_free(o);
}

static void discarded_records_are_passed_over(void **state)
{
	struct seen s = {};
	struct ring *ring;
	struct object *o;

	need_bpf();
	o = load_filler(&ring);
	fill(o, 60, 0, 3); /* 0, 3, 6 ... 57 */
	assert_int_equal(ring_consume(ring, on_record, &s, 0), 40);
	assert_int_equal(s.gaps, 20);
	assert_int_equal(ring_available(ring), 0);
	ring_free(ring);
	object_free(o);
}

static void at_most_what_is_asked_for(void **state)
{
	struct seen s = {};
	struct ring *ring, *second;
	struct object *o;

	need_bpf();
	o = load_filler(&ring);
	fill(o, 50, 0, 0);
	assert_int_equal(ring_consume(ring, on_record, &s, 7), 7);
	assert_int_equal(ring_available(ring), 43 * 64);
	/* whoever opens the ring next goes on where the last one stopped */
	ring_free(ring);
	must(ring_open(bpf_object__find_map_fd_by_name(object_bpf(o), "events"), &second));
	assert_int_equal(ring_consume(second, on_record, &s, 0), 43);
	assert_int_equal(s.gaps, 0);
	ring_free(second);
	object_free(o);
}

static void a_position_within_a_record_is_refused(void **state)
{
	struct ring *ring, *second = NULL;
	struct object *o;
	u64 *position;

	need_bpf();
	o = load_filler(&ring);
	position = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_object__find_map_fd_by_name(object_bpf(o), "events"), 0);
	assert_ptr_not_equal(position, MAP_FAILED);
	*position = 4;
	assert_int_equal(
		ring_open(bpf_object__find_map_fd_by_name(object_bpf(o), "events"), &second), -EIO);
	assert_null(second);
	munmap(position, (size_t)sysconf(_SC_PAGESIZE));
	ring_free(ring);
	object_free(o);
}

static void a_full_ring_loses_and_goes_on(void **state)
{
	struct seen s = {};
	struct ring *ring;
	struct object *o;

	need_bpf();
	o = load_filler(&ring);
	fill(o, 64, 0, 0);
	fill(o, 64, 0, 0); /* no room: nothing of this */
	assert_true(*(u64 *)variable(o, ".bss", "lost") >= 64);
	ring_consume(ring, on_record, &s, 0);
	assert_int_equal(s.gaps, 0);
	assert_int_equal(s.count + *(u64 *)variable(o, ".bss", "lost"), 128);
	fill(o, 10, 1, 0);
	assert_int_equal(ring_consume(ring, on_record, &s, 0), 10);
	ring_free(ring);
	object_free(o);
}

struct producer {
	const struct object *o;
	bool done;
};

static void *produce(void *argument)
{
	struct producer *p = argument;

	for (int i = 0; i < 3000; i++)
		fill(p->o, 64, i, 0);
	__atomic_store_n(&p->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void received_and_lost_are_what_was_sent(void **state)
{
	struct producer p = {};
	struct seen s = {};
	struct ring *ring;
	struct object *o;
	pthread_t thread;
	u64 lost, sent;

	need_bpf();
	o = load_filler(&ring);
	p.o = o;
	assert_int_equal(pthread_create(&thread, NULL, produce, &p), 0);
	while (!__atomic_load_n(&p.done, __ATOMIC_ACQUIRE))
		assert_true(ring_consume(ring, on_record, &s, 0) >= 0);
	pthread_join(thread, NULL);
	assert_true(ring_consume(ring, on_record, &s, 0) >= 0);
	lost = *(u64 *)variable(o, ".bss", "lost");
	sent = *(u64 *)variable(o, ".bss", "sequence");
	assert_int_equal(s.gaps, 0);
	assert_int_equal(s.count, sent);
	assert_int_equal(s.count + lost, 3000 * 64);
	ring_free(ring);
	object_free(o);
}

static void other_descriptors_are_refused(void **state)
{
	struct ring *ring = NULL;
	struct object *o;

	need_bpf();
	assert_true(ring_open(0, &ring) < 0);
	assert_true(ring_open(-1, &ring) < 0);
	o = open_object(running_object());
	must(object_load(o));
	assert_int_equal(ring_open(bpf_object__find_map_fd_by_name(object_bpf(o), "numbers"),
				   &ring),
			 -EINVAL);
	assert_null(ring);
	object_free(o);
}

int test_ring(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_order),
		cmocka_unit_test(discarded_records_are_passed_over),
		cmocka_unit_test(at_most_what_is_asked_for),
		cmocka_unit_test(a_position_within_a_record_is_refused),
		cmocka_unit_test(a_full_ring_loses_and_goes_on),
		cmocka_unit_test(received_and_lost_are_what_was_sent),
		cmocka_unit_test(other_descriptors_are_refused),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
