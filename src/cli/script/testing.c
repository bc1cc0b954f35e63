// SPDX-License-Identifier: Apache-2.0
/*
 * --test and --bench: probes of a script that are run once, or over and over, and reported on.
 */
#include "cli/script/script.h"

#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"
#define BENCH_NS (50 * NSEC_PER_MSEC)

static const char *name_of(const struct run *r, size_t i)
{
	const struct attach_point *a = r->script->programs[i]->points[0];

	return a->event ? a->event : a->name;
}

static bool is_of(const struct run *r, size_t i, const char *provider)
{
	return !strcmp(r->script->programs[i]->points[0]->provider->name, provider);
}

static size_t count_of(const struct run *r, const char *provider)
{
	size_t count = 0;

	for (size_t i = 0; i < r->script->program_count; i++)
		count += is_of(r, i, provider);
	return count;
}

/*
 * Runs one test: it passes when it returns 0 and nothing it did made the script end with an error.
 */
static bool run_test(struct run *r, size_t i)
{
	struct buf *b = &r->out.text;
	u64 before, value = 0;
	size_t kept;
	bool ok;

	buf_printf(b, GREEN "[ RUN      ]" PLAIN " %s\n", name_of(r, i));
	before = clock_monotonic_ns();
	ok = !kernel_run_program(r->programs[i].fd, &value) && !value;
	before = clock_monotonic_ns() - before;
	r->exiting = r->out.exit_asked = false;
	r->exit_code = r->out.exit_code = 0;
	kept = b->len;
	run_consume(r);
	/* What a test prints is not for its report; what went wrong is. */
	b->len = kept;
	buf_add(b, buf_str(&r->out.messages), r->out.messages.len);
	buf_clear(&r->out.messages);
	ok = ok && !r->exit_code;
	buf_printf(b,
		   ok ? GREEN "[       OK ]" PLAIN " %s (%llu ns)\n"
		      : RED "[  FAILED  ]" PLAIN " %s (%llu ns)\n",
		   name_of(r, i), (unsigned long long)before);
	return ok;
}

int script_run_tests(struct run *r)
{
	size_t total = count_of(r, "test"), passed = 0;
	_cleanup_free_ bool *failed = calloc(r->script->program_count + 1, sizeof(bool));
	struct buf *b = &r->out.text;

	if (!failed)
		return fail(-ENOMEM, "out of memory");
	buf_printf(b, GREEN "[==========]" PLAIN " Running %zu tests.\n", total);
	for (size_t i = 0; i < r->script->program_count; i++) {
		if (!is_of(r, i, "test"))
			continue;
		failed[i] = !run_test(r, i);
		passed += !failed[i];
	}
	buf_printf(b, GREEN "[==========]" PLAIN " %zu test%s ran.\n", total,
		   total == 1 ? "" : "s");
	buf_printf(b, GREEN "[  PASSED  ]" PLAIN " %zu test%s.\n", passed, passed == 1 ? "" : "s");
	if (passed == total)
		return 0;
	buf_printf(b, RED "[  FAILED  ]" PLAIN " %zu test%s, listed below:\n", total - passed,
		   total - passed == 1 ? "" : "s");
	for (size_t i = 0; i < r->script->program_count; i++) {
		if (failed[i])
			buf_printf(b, RED "[  FAILED  ]" PLAIN " %s\n", name_of(r, i));
	}
	r->exit_code = 1;
	return 0;
}

static int run_benchmark(struct run *r, size_t i)
{
	u64 start = clock_monotonic_ns(), spent = 0, runs = 0;

	do {
		for (int n = 0; n < 1000; n++) {
			int err = kernel_run_program(r->programs[i].fd, NULL);

			if (err)
				return err;
		}
		runs += 1000;
		spent = clock_monotonic_ns() - start;
	} while (spent < BENCH_NS);
	buf_printf(&r->out.text, "%-40s %-14llu %llu\n", name_of(r, i),
		   (unsigned long long)(spent / runs), (unsigned long long)runs);
	return 0;
}

int script_run_benchmarks(struct run *r)
{
	int err = 0;

	buf_printf(&r->out.text, "%-40s %-14s %s\n", "Benchmark", "Time(ns)", "Iterations");
	buf_add_fill(&r->out.text, '-', 66);
	buf_add_char(&r->out.text, '\n');
	for (size_t i = 0; i < r->script->program_count && !err; i++) {
		if (is_of(r, i, "bench"))
			err = run_benchmark(r, i);
	}
	/* what they counted is not a result */
	for (size_t i = 0; i < r->script->map_count; i++)
		map_clear(&r->out, r->script->maps[i]);
	return err;
}
