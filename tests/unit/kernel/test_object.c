// SPDX-License-Identifier: Apache-2.0
/*
 * Open, plan, load, attach: what is chosen and why, what a second opening keeps, and that programs
 * run.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "fixture.h"
#include "groups.h"

static void garbage_is_refused(void **state)
{
	struct object *o = NULL;

	assert_true(object_open("rubbish", "no object", 9, &o) < 0);
	assert_non_null(strstr(error_text(), "rubbish"));
	assert_true(object_open("nothing", "", 0, &o) < 0);
	assert_null(o);
}

/*
 * Every cut of a good object is either opened or refused; what is read outside, the sanitizer says.
 */
static void cut_objects_are_survived(void **state)
{
	struct bytes whole = core_object();

	for (size_t size = 0; size < whole.size; size += 97) {
		struct object *o = NULL;

		if (!object_open("cut", whole.at, size, &o))
			object_free(o);
	}
}

static void set_plans(struct program_plan *plans)
{
	static const char *const names[] = { "first", "second", "third", "fourth" };

	for (unsigned i = 0; i < 4; i++)
		plans[i] = (struct program_plan){
			.program = names[i], .group = "g", .rank = i + 1, .wanted = true
		};
	plans[4] = (struct program_plan){ .program = "extra", .wanted = true, .optional = true };
}

static void the_next_alternative_is_taken(void **state)
{
	struct program_plan plans[5];
	struct object *o;
	u64 *calls;

	need_bpf();
	o = open_object(alternatives_object());
	set_plans(plans);
	must(object_plan(o, plans, 5));
	assert_non_null(strstr(plans[0].reason, "no_such_tracepoint_anywhere does not exist"));
	assert_true(plans[1].chosen); /* what the verifier thinks of it, nobody knows yet */
	assert_non_null(strstr(plans[2].reason, "second is preferred"));
	assert_false(plans[4].chosen);
	assert_true(plans[4].reason[0]);
	*(u64 *)variable(o, ".rodata", "setting") = 4711;
	must(bpf_map__set_max_entries(bpf_object__find_map_by_name(object_bpf(o), "numbers"), 5));
	must(object_load(o));
	assert_false(plans[1].chosen);
	assert_non_null(strstr(plans[1].reason, "a number is used as a pointer"));
	assert_true(plans[2].chosen);
	assert_string_equal(plans[2].reason, "");
	assert_int_equal(
		bpf_map__max_entries(bpf_object__find_map_by_name(object_bpf(o), "numbers")), 5);
	must(object_attach(o));
	calls = variable(o, ".bss", "calls");
	for (int i = 0; i < 10; i++)
		getpgid(0);
	assert_true(*calls >= 10);
	assert_int_equal(*(u64 *)variable(o, ".bss", "seen_setting"), 4711);
	object_free(o);
}

static void a_group_without_any_says_why(void **state)
{
	struct program_plan plans[5];
	struct object *o;

	need_bpf();
	o = open_object(alternatives_object());
	set_plans(plans);
	plans[2].wanted = plans[3].wanted = false;
	must(object_plan(o, plans, 5));
	assert_true(object_load(o) < 0);
	assert_non_null(strstr(error_text(), "program second is refused"));
	assert_non_null(strstr(error_text(), "first: tracepoint no_such_tracepoint_anywhere"));
	object_free(o);

	o = open_object(alternatives_object());
	plans[1].wanted = false;
	assert_int_equal(object_plan(o, plans, 5), -EOPNOTSUPP);
	assert_non_null(strstr(error_text(), "no_such_tracepoint_anywhere"));
	object_free(o);
}

static void unknown_program_in_a_plan(void **state)
{
	struct program_plan plan = { .program = "nobody", .wanted = true };
	struct object *o = open_object(alternatives_object());

	assert_int_equal(object_plan(o, &plan, 1), -EINVAL);
	object_free(o);
}

/* Leaves of the object only the named program. */
static struct object *open_only(const char *name)
{
	struct object *o = open_object(running_object());
	struct bpf_program *p;

	bpf_object__for_each_program(p, object_bpf(o))
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), name));
	return o;
}

/*
 * A timer that is pending makes the verifier return EAGAIN; it must not reach the caller, nor be
 * lost.
 */
static void ticked(int signal)
{
}

static void a_timer_does_not_disturb_a_load(void **state)
{
	struct itimerval every = { { 0, 100 }, { 0, 100 } }, none = {};
	struct sigaction action = { .sa_handler = ticked }, before;
	sigset_t set;

	need_bpf();
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &every, NULL);
	for (int i = 0; i < 5; i++) {
		struct object *o = open_object(core_object());

		must(object_load(o));
		object_free(o);
	}
	setitimer(ITIMER_REAL, &none, NULL);
	sigaction(SIGALRM, &before, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	assert_false(sigismember(&set, SIGALRM));
}

static void wait_for_samples(const u64 *samples, u64 count)
{
	u64 end = clock_monotonic_ns() + 5 * NSEC_PER_SEC;

	while (__atomic_load_n(samples, __ATOMIC_RELAXED) < count && clock_monotonic_ns() < end)
		;
	assert_true(*samples >= count);
}

static void sampling_counts(void **state)
{
	struct program_plan plan = { .program = "sample", .wanted = true };
	struct object *o;

	need_bpf();
	o = open_only("sample");
	must(object_plan(o, &plan, 1));
	must(object_load(o));
	assert_true(object_attach(o) < 0);
	assert_non_null(strstr(error_text(), "how often"));
	plan.sample_hz = 2000000000;
	assert_true(object_attach(o) < 0);
	assert_non_null(strstr(error_text(), "perf_event_max_sample_rate"));
	plan.sample_hz = 500;
	must(object_attach(o));
	wait_for_samples(variable(o, ".bss", "samples"), 10);
	object_free(o);
}

static void iterators_are_read(void **state)
{
	struct object *o;
	struct bpf_program *p;
	u32 pid;
	bool found = false;

	need_bpf();
	o = open_object(core_object());
	bpf_object__for_each_program(p, object_bpf(o))
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), "tasks"));
	must(object_load(o));
	assert_int_equal(object_iterator_open(o, "tasks"), -ENOENT);
	must(object_attach(o));
	for (int twice = 0; twice < 2; twice++) {
		int fd = object_iterator_open(o, "tasks");

		must(fd);
		found = false;
		while (read(fd, &pid, sizeof(pid)) == sizeof(pid))
			found |= pid == (u32)getpid();
		assert_true(found);
		close(fd);
	}
	assert_int_equal(object_iterator_open(o, "by_btf"), -ENOENT);
	object_free(o);
}

/*
 * A tracepoint that fires inside a sampling program is skipped: each time, and counted where the
 * kernel counts.
 */
static void what_nests_is_missed(void **state)
{
	struct program_plan plan = { .program = "sample", .wanted = true, .sample_hz = 200 };
	struct object *outer, *inner;
	u64 *samples, missed;

	need_bpf();
	if (!tracepoint_exists("bpf_trace", "bpf_trace_printk")) {
		print_message("skipped: this kernel has no tracepoint for bpf_trace_printk\n");
		skip();
	}
	outer = open_only("sample");
	inner = open_only("inner");
	*(bool *)variable(outer, ".rodata", "noisy") = true;
	must(object_plan(outer, &plan, 1));
	must(object_load(outer));
	must(object_load(inner));
	samples = variable(outer, ".bss", "samples");
	must(object_attach(inner));
	must(object_attach(outer));
	wait_for_samples(samples, 10);
	object_detach(outer);
	missed = object_missed(inner);
	if (kernel_version() >= KERNEL_VERSION_CODE(6, 7, 0))
		assert_in_range(missed, 10, *samples + 1000);
	else
		assert_true(missed == UINT64_MAX);
	assert_true(object_missed(outer) == UINT64_MAX);
	object_free(outer);
	object_free(inner);
}

static void the_kernel_is_known(void **state)
{
	assert_true(kernel_version() >= KERNEL_VERSION_CODE(5, 10, 0));
	need_bpf();
	assert_non_null(tracefs_path());
	assert_true(tracepoint_exists("sched", "sched_switch"));
	assert_false(tracepoint_exists("sched", "sched_nothing"));
	assert_false(tracepoint_exists("..", "events"));
	assert_false(tracepoint_exists("sched/sched_switch", ".."));
}

int test_object(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_is_refused),
		cmocka_unit_test(cut_objects_are_survived),
		cmocka_unit_test(the_next_alternative_is_taken),
		cmocka_unit_test(a_group_without_any_says_why),
		cmocka_unit_test(unknown_program_in_a_plan),
		cmocka_unit_test(a_timer_does_not_disturb_a_load),
		cmocka_unit_test(sampling_counts),
		cmocka_unit_test(iterators_are_read),
		cmocka_unit_test(what_nests_is_missed),
		cmocka_unit_test(the_kernel_is_known),
	};

	return cmocka_run_group_tests_name("object", tests, NULL, NULL);
}
