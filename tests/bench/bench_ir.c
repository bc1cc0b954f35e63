// SPDX-License-Identifier: Apache-2.0
/*
 * The compiler of the intermediate representation against its interpreter, over as many random
 * programs as one likes, and how fast it is.
 *
 *	bench_ir random COUNT [SEED]	compile, run in the kernel, compare; needs root
 *	bench_ir size COUNT [SEED]	how long the programs come out, and what they run
 *	bench_ir speed			instructions compiled a second
 *	bench_ir show SEED		the program as text, and what it was compiled to
 */
#include "code/code.h"
#include "unit/code/kernel_run.h"
#include "unit/code/random_program.h"
#include "unit/code/run_program.h"

#include <time.h>

#define BATCH 8
#define PLACE (RANDOM_MEMORY + 8) /* memory and result of one program */

struct batch {
	struct ir_module *m;
	u64 seed;
	u32 functions[BATCH], main;
	unsigned count;
	u8 before[BATCH * PLACE];
};

static struct ir_target target;
static bool old;

static void dump(const struct ir_program *p)
{
	_cleanup_buf_ struct buf b = {};

	for (size_t i = 0; i < p->count;) {
		size_t used;

		buf_printf(&b, "%4zu: ", i);
		used = code_disassemble(&p->insns[i], p->count - i, NULL, &b);
		buf_add_char(&b, '\n');
		i += used;
	}
	fputs(buf_str(&b), stdout);
}

/* A main function that calls each program with a place of its own in the map. */
static int make(struct batch *b, u64 seed, unsigned count)
{
	struct random_program memory = { .state = ~seed };
	struct ir_function *f;

	b->m = ir_module_new();
	b->seed = seed;
	b->count = count;
	for (unsigned i = 0; i < count; i++)
		b->functions[i] = random_program_add(b->m, seed + i, NULL, 0, old);
	f = ir_function_new(b->m, "main", 1);
	for (unsigned i = 0; i < count; i++) {
		ir_reg at = ir_map_value(f, 0, i * PLACE);
		ir_reg result = ir_call_function(f, b->functions[i], 1, &at);

		ir_store(f, 8, ir_map_value(f, 0, i * PLACE), RANDOM_MEMORY, result);
	}
	ir_return_imm(f, 0);
	b->main = ir_function_number(f);
	for (size_t i = 0; i < sizeof(b->before); i++)
		b->before[i] = (u8)random_next(&memory);
	return ir_error(b->m);
}

static int complain(const struct batch *b, unsigned which, const char *what)
{
	printf("seed %llu: %s\n", (unsigned long long)(b->seed + which), what);
	return -EINVAL;
}

/* Interprets program @i on its memory as it was before. 1: it takes too many steps, let it be. */
static int expect(const struct batch *b, unsigned i, u8 *place)
{
	u64 result = 0;
	int err;

	memcpy(place, b->before + i * PLACE, PLACE);
	err = ir_interpret(b->m, b->functions[i], place, RANDOM_MEMORY, 1000000, &result);
	memcpy(place + RANDOM_MEMORY, &result, sizeof(result));
	return err;
}

static int run_batch(struct batch *b, int map)
{
	_cleanup_ir_program_ struct ir_program p = {};
	u8 after[BATCH * PLACE], wanted[PLACE];
	_cleanup_close_ int fd = -1;
	static char log[1 << 20];
	u32 key = 0, ret;
	int err;

	err = ir_compile(b->m, b->main, &target, &p);
	if (err == -E2BIG) /* of the stack, which is none of the compiler's faults */
		return 1;
	if (err)
		return complain(b, 0, error_text());
	fd = kernel_load(&p, map, log, sizeof(log));
	if (fd < 0) {
		size_t len = strlen(log);

		printf("%s\n", log + (len > 3000 ? len - 3000 : 0));
		return complain(b, 0,
				b->count > 1 ? "the kernel refused one of the batch"
					     : "the kernel refused it");
	}
	if (bpf_map_update_elem(map, &key, b->before, 0) || kernel_test_run(fd, &ret) ||
	    bpf_map_lookup_elem(map, &key, after))
		return complain(b, 0, "it could not be run");
	for (unsigned i = 0; i < b->count; i++) {
		if (expect(b, i, wanted))
			return complain(b, i, error_text());
		if (memcmp(wanted, after + i * PLACE, PLACE)) {
			for (unsigned k = 0; k < PLACE; k += 8)
				if (memcmp(wanted + k, after + i * PLACE + k, 8))
					printf("differs at %u: %016llx in place of %016llx\n", k,
					       *(unsigned long long *)(after + i * PLACE + k),
					       *(unsigned long long *)(wanted + k));
			return complain(b, i, "the results differ");
		}
	}
	return 0;
}

static int random_run(u64 count, u64 seed)
{
	_cleanup_close_ int map = kernel_map(BATCH * PLACE);
	u64 done = 0, failed = 0, large = 0;

	if (map < 0) {
		printf("no map: %s\n", strerror(errno));
		return 77;
	}
	target.signed_loads = kernel_has_signed_loads();
	for (; done < count; done += BATCH) {
		struct batch b = {};
		int err = make(&b, seed + done, BATCH);

		err = err ? err : run_batch(&b, map);
		ir_module_free(b.m);
		/* Which of them? */
		for (unsigned i = 0; i < BATCH && err; i++) {
			struct batch one = {};

			err = make(&one, seed + done + i, 1);
			err = err ? err : run_batch(&one, map);
			failed += err < 0;
			large += err > 0;
			ir_module_free(one.m);
			err = 1;
		}
		if (failed > 20)
			break;
		if (getenv("BENCH_IR_TRACE"))
			printf("%llu\n", (unsigned long long)done);
	}
	printf("%llu programs, %llu failed, %llu too large for the stack, signed loads: %s\n",
	       (unsigned long long)done, (unsigned long long)failed, (unsigned long long)large,
	       target.signed_loads ? "yes" : "no");
	return failed != 0;
}

/* ---- speed --------------------------------------------------------------------------------- */

/* What a script's probe is like: a filter, a key, a lookup, an update. */
static void probe(struct ir_function *f, unsigned times)
{
	ir_reg context = ir_argument(f, 0);

	for (unsigned i = 0; i < times; i++) {
		u32 go = ir_block(f), end = ir_block(f), hit = ir_block(f), miss = ir_block(f);
		u32 key = ir_slot(f, 16), value = ir_slot(f, 8);
		ir_reg id = IR_CALL(f, BPF_FUNC_get_current_pid_tgid), found;
		ir_reg pid = ir_binary_imm(f, IR_SHR, 64, id, 32);

		ir_branch_imm(f, IR_NE, 64, pid, i, go, end);
		ir_at(f, go);
		ir_zero(f, ir_slot_address(f, key, 0), 0, 16, 8);
		ir_store(f, 8, ir_slot_address(f, key, 0), 0, pid);
		ir_store(f, 8, ir_slot_address(f, key, 0), 8, ir_load(f, 8, false, context, 8));
		found = IR_CALL(f, BPF_FUNC_map_lookup_elem, ir_map(f, i),
				ir_slot_address(f, key, 0));
		ir_branch_imm(f, IR_NE, 64, found, 0, hit, miss);
		ir_at(f, hit);
		ir_atomic(f, 8, BPF_ADD, found, 0, ir_const(f, 1), 0);
		ir_jump(f, end);
		ir_at(f, miss);
		ir_store_imm(f, 8, ir_slot_address(f, value, 0), 0, 1);
		IR_CALL(f, BPF_FUNC_map_update_elem, ir_map(f, i), ir_slot_address(f, key, 0),
			ir_slot_address(f, value, 0), ir_const(f, 0));
		ir_jump(f, end);
		ir_at(f, end);
		ir_slot_release(f, key);
		ir_slot_release(f, value);
	}
	ir_return_imm(f, 0);
}

/* Values that live from the beginning to the end, used in all of many blocks. */
static void tangle(struct ir_function *f, unsigned values, unsigned blocks)
{
	ir_reg list[64], sum = ir_new(f);

	ir_set_imm(f, sum, 0);
	for (unsigned i = 0; i < values; i++)
		list[i] = ir_load(f, 8, false, ir_argument(f, 0), (s32)(8 * i));
	for (unsigned i = 0; i < blocks; i++) {
		u32 yes = ir_block(f), no = ir_block(f);

		ir_branch(f, IR_GT, 64, list[i % values], sum, yes, no);
		ir_at(f, yes);
		ir_set(f, sum, ir_binary(f, IR_XOR, 64, sum, list[i * 7 % values]));
		IR_CALL(f, BPF_FUNC_ktime_get_ns);
		ir_jump(f, no);
		ir_at(f, no);
	}
	for (unsigned i = 0; i < values; i++)
		ir_set(f, sum, ir_binary(f, IR_ADD, 64, sum, list[i]));
	ir_return(f, sum);
}

/* Far more variables than the stack holds: to be refused, in good time. */
static void hopeless(struct ir_function *f, unsigned values)
{
	ir_reg *list = calloc(values, sizeof(*list));
	struct random_program p = { .state = 7 };

	for (unsigned i = 0; i < values; i++) {
		list[i] = ir_new(f);
		ir_set(f, list[i], ir_load(f, 8, false, ir_argument(f, 0), (s32)(8 * i)));
	}
	for (unsigned i = 0; i < values; i++) {
		u32 yes = ir_block(f), no = ir_block(f);

		ir_branch(f, IR_GT, 64, list[random_below(&p, values)],
			  list[random_below(&p, values)], yes, no);
		ir_at(f, yes);
		ir_set(f, list[random_below(&p, values)], list[random_below(&p, values)]);
		IR_CALL(f, BPF_FUNC_ktime_get_ns);
		ir_jump(f, no);
		ir_at(f, no);
	}
	for (unsigned i = 0; i < values; i++)
		ir_store(f, 8, ir_argument(f, 0), 0, list[i]);
	ir_return_imm(f, 0);
	free(list);
}

static void straight(struct ir_function *f, unsigned count)
{
	ir_reg a = ir_load(f, 8, false, ir_argument(f, 0), 0), b = a;

	for (unsigned i = 0; i < count; i++) {
		ir_reg c = ir_binary(f, i % 3 ? IR_ADD : IR_XOR, 64, a, b);

		a = b;
		b = ir_binary_imm(f, IR_MUL, 64, c, 3);
	}
	ir_return(f, b);
}

/* Of the processor: others may run beside. */
static u64 cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec;
}

static int time_one(const char *name, unsigned functions, unsigned kind, unsigned size)
{
	u64 start = cpu_ns(), built, insns = 0;
	struct ir_module *m = ir_module_new();

	for (unsigned i = 0; i < functions; i++) {
		struct ir_function *f = ir_function_new(m, "probe", 1);

		if (kind == 0)
			probe(f, size);
		else if (kind == 1)
			tangle(f, 60, size);
		else if (kind == 2)
			straight(f, size);
		else
			hopeless(f, size);
	}
	built = cpu_ns();
	for (unsigned i = 0; i < functions; i++) {
		_cleanup_ir_program_ struct ir_program p = {};

		if (ir_compile(m, i, &target, &p)) {
			printf("%s: %s\n", name, error_text());
			break;
		}
		insns += p.count;
	}
	printf("%-44s %8llu instructions, built in %.2f ms, compiled in %.2f ms\n", name,
	       (unsigned long long)insns, (double)(built - start) / 1e6,
	       (double)(cpu_ns() - built) / 1e6);
	ir_module_free(m);
	return 0;
}

static int speed(void)
{
	time_one("one probe", 1, 0, 1);
	time_one("500 probes", 500, 0, 1);
	time_one("one function of 2500 such probes", 1, 0, 2500);
	time_one("one block of 50000", 1, 2, 25000);
	time_one("4000 values over 4000 branches and calls", 1, 3, 4000);
	time_one("60 values over 5000 branches and calls", 1, 1, 5000);
	return 0;
}

/* How good the code is: instructions of random programs, as they stand and as they run. */
static int size(u64 count, u64 seed)
{
	static struct run run;
	u64 insns = 0, steps = 0, done = 0;
	u8 memory[RANDOM_MEMORY];

	for (u64 i = 0; i < count; i++) {
		struct ir_module *m = ir_module_new();
		u32 main = random_program_add(m, seed + i, NULL, 0, old);
		_cleanup_ir_program_ struct ir_program p = {};

		memset(memory, 0x5a, sizeof(memory));
		if (!ir_compile(m, main, &target, &p)) {
			run_program(&run, &p, memory, sizeof(memory), 1 << 30);
			insns += p.count;
			steps += (1 << 30) - run.steps;
			done++;
		}
		ir_module_free(m);
	}
	printf("%llu programs, %llu instructions, %llu run\n", (unsigned long long)done,
	       (unsigned long long)insns, (unsigned long long)steps);
	return 0;
}

static int show(u64 seed)
{
	_cleanup_ir_program_ struct ir_program p = {};
	_cleanup_buf_ struct buf text = {};
	struct batch b = {};

	make(&b, seed, 1);
	ir_print(b.m, &text);
	puts(buf_str(&text));
	if (ir_compile(b.m, b.main, &target, &p))
		printf("%s\n", error_text());
	else
		dump(&p);
	ir_module_free(b.m);
	return 0;
}

int main(int argc, char **argv)
{
	u64 number = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	u64 seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;

	old = getenv("BENCH_IR_OLD");
	if (argc > 2 && !strcmp(argv[1], "random"))
		return random_run(number, seed);
	if (argc > 1 && !strcmp(argv[1], "speed"))
		return speed();
	if (argc > 2 && !strcmp(argv[1], "size"))
		return size(number, seed);
	if (argc > 2 && !strcmp(argv[1], "show"))
		return show(number);
	printf("usage: bench_ir random COUNT [SEED] | size COUNT [SEED] | speed | show SEED\n");
	return 2;
}
