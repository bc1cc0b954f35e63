// SPDX-License-Identifier: Apache-2.0
/*
 * saker ps: every BPF program, map and link of the machine, who holds it, where it is attached and
 * what it costs; one of them in detail when its id is given. This file reads the command line and
 * gathers; ps_list.c and ps_show.c print.
 */
#include "cli/command.h"

#include <getopt.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "cli/ps.h"

#define DEFAULT_MEASURE (2 * NSEC_PER_SEC)
#define LONGEST_MEASURE (3600 * NSEC_PER_SEC)

static const char help[] =
	"Usage: saker ps [options]              what is loaded on this machine\n"
	"       saker ps [prog|map|link] ID     one of it: instructions, maps, types\n"
	"\n"
	"Shows every BPF program, map and link, not only Saker's. Needs root\n"
	"(CAP_SYS_ADMIN).\n"
	"\n"
	"  -m, --maps           maps in place of programs\n"
	"  -l, --links          links in place of programs\n"
	"  -a, --all            programs, maps and links\n"
	"  -c, --cost           runs a second, time a run and share of a CPU of each\n"
	"                       program; the kernel's run-time statistics are on\n"
	"                       meanwhile\n"
	"      --for DURATION   how long that is (2s)\n"
	"  -o, --output FORMAT  table (default) or json: one object a line\n"
	"  -h, --help           this text\n";

static int complain(int status)
{
	_cleanup_buf_ struct buf b = { 0 };

	text_add_safe(&b, error_text(), strlen(error_text()));
	fprintf(stderr, "saker ps: %s\n", buf_str(&b));
	return status;
}

static int parse_object(struct ps_options *o, int argc, char **argv)
{
	static const char *const kinds[OBJECT_KINDS] = { "prog", "map", "link" };
	const char *number = argv[0];
	u64 id;

	o->any_kind = argc == 1;
	if (argc > 2)
		return fail(-EINVAL, "unexpected word '%s'", argv[2]);
	if (argc == 2) {
		number = argv[1];
		o->kind = OBJECT_KINDS;
		for (int k = 0; k < OBJECT_KINDS; k++)
			if (!strcmp(argv[0], kinds[k]) || (!k && !strcmp(argv[0], "program")))
				o->kind = (enum object_kind)k;
		if (o->kind == OBJECT_KINDS)
			return fail(-EINVAL, "'%s' is none of prog, map, link", argv[0]);
	}
	if (parse_u64(number, &id) || !id || id > UINT32_MAX)
		return fail(-EINVAL, "'%s' is not an id", number);
	o->id = (u32)id;
	o->show = true;
	return 0;
}

static int parse_option(struct ps_options *o, int c, bool *lists)
{
	switch (c) {
	case 'm':
		o->maps = *lists = true;
		return 0;
	case 'l':
		o->links = *lists = true;
		return 0;
	case 'a':
		o->programs = o->maps = o->links = *lists = true;
		return 0;
	case 'c':
		o->cost = true;
		return 0;
	case 'f':
		o->cost = true;
		if (parse_duration(optarg, &o->for_ns) || !o->for_ns || o->for_ns > LONGEST_MEASURE)
			return fail(-EINVAL,
				    "--for '%s': a duration of at most an hour, such as 2s",
				    optarg);
		return 0;
	case 'o':
		if (strcmp(optarg, "table") && strcmp(optarg, "json"))
			return fail(-EINVAL, "no output format '%s': table or json", optarg);
		o->json = !strcmp(optarg, "json");
		return 0;
	default:
		return 1;
	}
}

/* 0 go on, 1 help was asked for, -EINVAL */
static int parse(struct ps_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "maps", no_argument, NULL, 'm' },	 { "links", no_argument, NULL, 'l' },
		{ "all", no_argument, NULL, 'a' },	 { "cost", no_argument, NULL, 'c' },
		{ "for", required_argument, NULL, 'f' }, { "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },	 { 0 },
	};
	bool lists = false;
	int c, r;

	*o = (struct ps_options){ .for_ns = DEFAULT_MEASURE };
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":mlaco:h", options, NULL)) != -1) {
		if (c == ':' || c == '?')
			return cli_option_error(c, argv, "ps");
		r = parse_option(o, c, &lists);
		if (r)
			return r;
	}
	if (!lists || o->cost)
		o->programs = true;
	return optind < argc ? parse_object(o, argc - optind, argv + optind) : 0;
}

/* Ctrl-C ends the measuring early; statistics go off and what was seen is shown. */
static int measure(struct ps *ps)
{
	_cleanup_close_ int fd = -1;
	sigset_t signals, before;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	r = cost_measure(ps->options.for_ns, fd, &ps->cost);
	if (fd >= 0) {
		struct signalfd_siginfo ignored;

		while (read(fd, &ignored, sizeof(ignored)) > 0)
			;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int run(struct ps *ps)
{
	const struct ps_options *o = &ps->options;
	unsigned what = INVENTORY_OWNERS;
	int r;

	what |= o->programs || o->show ? INVENTORY_PROGRAMS | INVENTORY_ATTACHMENTS : 0;
	what |= o->maps || o->show ? INVENTORY_MAPS | INVENTORY_PROGRAMS : 0;
	what |= o->links ? INVENTORY_LINKS | INVENTORY_ATTACHMENTS : 0;
	r = o->cost ? measure(ps) : 0;
	r = r ? r : inventory_take(what, &ps->inventory);
	return r ? r : o->show ? ps_show(ps) : ps_list(ps);
}

int command_ps(int argc, char **argv)
{
	struct ps ps = { 0 };
	int r = parse(&ps.options, argc, argv);

	if (r < 0)
		return complain(2);
	if (r > 0) {
		fputs(help, stdout);
		return 0;
	}
	r = run(&ps);
	inventory_free(ps.inventory);
	cost_report_free(ps.cost);
	return r ? complain(1) : 0;
}
