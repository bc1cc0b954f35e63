// SPDX-License-Identifier: Apache-2.0
/*
 * saker: the first word says what is wanted. A command, else the name of a gadget. This program has
 * the tools and what they need; the agent with its store and web server is a program of its own
 * (saker-agent), so that a tool does not pay for their libraries at its start.
 */
#include "cli/command.h"
#include "cli/help.h"
#include "cli/run.h"

#include <libgen.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>

#ifndef SAKER_VERSION
#define SAKER_VERSION "0.1"
#endif

static int command_version(int argc UNUSED, char **argv UNUSED)
{
	printf("saker %s\n", SAKER_VERSION);
	return 0;
}

static int command_help(int argc, char **argv)
{
	if (argc > 1) {
		char *words[] = { argv[1], (char *)"--help", NULL };

		return saker_main_words(2, words);
	}
	help_main(stdout);
	return 0;
}

/* Becomes saker-agent: beside this program, or where `./dev install` puts it. */
static int command_agent(int argc UNUSED, char **argv)
{
	static const char *const places[] = { "%s/saker-agent", "%s/../libexec/saker/saker-agent" };
	char self[PATH_MAX], path[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *folder;

	if (n <= 0) {
		fprintf(stderr, "saker: /proc is not mounted\n");
		return 1;
	}
	self[n] = '\0';
	folder = dirname(self);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(path, sizeof(path), places[i], folder);
		execv(path, argv);
		if (errno != ENOENT)
			break;
	}
	fprintf(stderr, "saker: cannot run saker-agent beside %s: %s\n", folder, strerror(errno));
	return 1;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "agent", command_agent },
	{ "query", command_agent },
	{ "run", command_run },
	{ "bpftrace", command_bpftrace },
	{ "-e", command_expression },
	{ "list", command_list },
	{ "check", command_check },
	{ "ps", command_ps },
	{ "completion", command_completion },
	{ "man", command_man },
	{ "version", command_version },
	{ "--version", command_version },
	{ "-V", command_version },
	{ "help", command_help },
	{ "--help", command_help },
	{ "-h", command_help },
};

/* @argv[0] is the command's word. Returns the exit status. */
int saker_main_words(int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, argv[0]))
			return commands[i].run(argc, argv);
	}
	/* saker -f json -e PROGRAM: the words of a script, in any order. */
	for (int i = 0; argv[0][0] == '-' && i < argc; i++) {
		if (!strcmp(argv[i], "-e"))
			return command_expression(argc, argv);
	}
	if (argv[0][0] == '-') {
		fprintf(stderr, "saker: unknown option '%s' (see: saker --help)\n", argv[0]);
		return 2;
	}
	return run_gadget(argv[0], argc, argv);
}

int main(int argc, char **argv)
{
	char *agent[] = { (char *)"agent", NULL };
	const char *slash = strrchr(argv[0], '/');

	setlocale(LC_CTYPE, ""); /* how wide a character is on this terminal */
	/*
	 * A reader that goes away is no error of ours: writes say EPIPE and the command ends
	 * quietly.
	 */
	signal(SIGPIPE, SIG_IGN);
	/* A link of that name takes bpftrace's place. */
	if (!strcmp(slash ? slash + 1 : argv[0], "bpftrace"))
		return command_bpftrace(argc, argv);
	return argc > 1 ? saker_main_words(argc - 1, argv + 1) : saker_main_words(1, agent);
}
