/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the cases trace in user space: functions with arguments, structures and globals of known
 * values. `target WHAT [COUNT]` calls the function of that name COUNT times (once without it) and
 * says nothing. All of it lies in memory that has been written to, so that a probe can read it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef USDT
#include <sys/sdt.h>
#else
#define DTRACE_PROBE(...) ((void)0)
#define DTRACE_PROBE1(...) ((void)0)
#define DTRACE_PROBE3(...) ((void)0)
#endif

#define PLAIN __attribute__((noinline, noclone))

struct point {
	int x;
	int y;
	short tag;
	char name[6];
};

struct box {
	struct point from;
	struct point to;
	struct point *other;
	int weights[4];
};

struct bits {
	unsigned a : 3;
	unsigned b : 5;
	unsigned c : 12;
	unsigned long long d : 40;
};

struct mixed {
	int kind;
	union {
		int number;
		char bytes[4];
		struct {
			short low;
			short high;
		} halves;
	};
};

struct kinds {
	signed char a;
	unsigned char b;
	short c;
	unsigned short d;
	int e;
	unsigned f;
	long long g;
	unsigned long long h;
	_Bool i;
};

struct grid {
	int cells[2][3];
};

enum shade { DARK, LIGHT = 4, BRIGHT };

int counter = 17;
const char *title = "the title";
volatile long sink;

PLAIN void take_text(const char *text)
{
	sink += text[0];
}

PLAIN void take_point(struct point *point)
{
	sink += point->x;
}

PLAIN void take_points(struct point *points)
{
	sink += points[0].x;
}

PLAIN void take_box(struct box *box)
{
	sink += box->from.x;
}

PLAIN void take_bits(struct bits *bits)
{
	sink += bits->a;
}

PLAIN void take_mixed(struct mixed *mixed)
{
	sink += mixed->kind;
}

PLAIN void take_words(char **words)
{
	sink += words[0][0];
}

PLAIN void take_kinds(struct kinds *kinds)
{
	sink += kinds->a;
}

PLAIN void take_grid(struct grid *grid)
{
	sink += grid->cells[0][0];
}

PLAIN void take_number(int *number, long *big)
{
	sink += *number + *big;
}

PLAIN long take_six(long a, long b, long c, long d, long e, long f)
{
	sink += a;
	return a + b + c + d + e + f;
}

PLAIN int take_mix(char a, short b, unsigned c, const char *d, enum shade e)
{
	sink += a + b + (long)c + d[0] + e;
	return -7;
}

PLAIN const char *give_text(int which)
{
	sink += which;
	return which ? title : NULL;
}

PLAIN int step(int n)
{
	sink += n;
	return n * 2;
}

PLAIN int inner(int n)
{
	return step(n) + 1;
}

PLAIN int outer(int n)
{
	return inner(n) + 1;
}

PLAIN void mark(int n, const char *text)
{
	DTRACE_PROBE(target, plain);
	DTRACE_PROBE1(target, number, n);
	DTRACE_PROBE3(target, three, n + 1, text, (long)n * 1000000000000L);
	sink += n + text[0];
}

/* Copies of literals on pages that are surely there when the probe reads them. */
static char *copy(const char *text)
{
	char *made = malloc(strlen(text) + 1);

	return made ? strcpy(made, text) : exit(2), made;
}

static void call_structures(const char *what)
{
	struct point points[3] = { { 1, -2, 3, "abc" },
				   { 10, -20, 30, "defgh" },
				   { 100, -200, 300, "ij" } };
	struct box box = { points[0], points[1], &points[2], { 5, 6, 7, 8 } };
	struct bits bits = { 5, 17, 2748, 0xabcdef0123 };
	struct mixed mixed = { .kind = 9, .number = 0x00020041 };
	struct kinds kinds = { -1, 200, -300, 60000, -70000, 4000000000u, -5000000000, ~0ull, 1 };
	struct grid grid = { { { 1, 2, 3 }, { 4, 5, 6 } } };

	if (!strcmp(what, "point"))
		take_point(points);
	else if (!strcmp(what, "points"))
		take_points(points);
	else if (!strcmp(what, "box"))
		take_box(&box);
	else if (!strcmp(what, "bits"))
		take_bits(&bits);
	else if (!strcmp(what, "mixed"))
		take_mixed(&mixed);
	else if (!strcmp(what, "kinds"))
		take_kinds(&kinds);
	else if (!strcmp(what, "grid"))
		take_grid(&grid);
}

/* One of each, with arguments and results that are known. */
static void call_system(int n)
{
	char *path = copy("/nosuch/file");
	int fd = open("/dev/null", O_WRONLY);

	sink += open(path, O_RDONLY);
	sink += kill(getpid(), 0);
	sink += write(fd, path, (size_t)n + 4);
	close(fd);
}

static void call(const char *what, int n)
{
	char *words[] = { copy("first"), copy("second"), copy("third"), NULL };
	int number = -123456;
	long big = 1234567890123;

	if (!strcmp(what, "text"))
		take_text(copy("a text of some length"));
	else if (!strcmp(what, "words"))
		take_words(words);
	else if (!strcmp(what, "number"))
		take_number(&number, &big);
	else if (!strcmp(what, "six"))
		sink += take_six(1, 2, 3, 4, 5, 6);
	else if (!strcmp(what, "mix"))
		sink += take_mix('A', -5, 4000000000u, words[1], BRIGHT);
	else if (!strcmp(what, "give"))
		sink += (long)give_text(n);
	else if (!strcmp(what, "step"))
		sink += step(n);
	else if (!strcmp(what, "outer"))
		sink += outer(n);
	else if (!strcmp(what, "mark"))
		mark(n, words[0]);
	else if (!strcmp(what, "usr1"))
		kill(getppid(), SIGUSR1), usleep(200000);
	else if (!strcmp(what, "system"))
		call_system(n);
	else
		call_structures(what);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[2]) : 1;

	title = copy(title);
	if (argc > 1 && !strcmp(argv[1], "sleep"))
		sleep((unsigned)count);
	for (int i = 0; argc > 1 && i < count; i++)
		call(argv[1], i + 1);
	return 0;
}
