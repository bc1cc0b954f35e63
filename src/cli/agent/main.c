// SPDX-License-Identifier: Apache-2.0
/*
 * saker-agent: what `saker agent` and `saker query` become. The store, the web server and their
 * libraries are in here only.
 */
#include "agent/agent.h"
#include "cli/agent/agent.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>

static const char usage[] =
	"usage: saker agent [options]\n"
	"\n"
	"Runs the default gadgets at once, stores what they say, serves it over HTTP.\n"
	"\n"
	"  -c, --config FILE   read FILE (default: " CONFIG_PATH " if it is there)\n"
	"      --print-config  print every setting with its value, and end\n"
	"      --check-config  say whether the configuration is right, and end\n"
	"      --store DIR     keep the store in DIR\n"
	"      --port PORT     serve HTTP on PORT (0: any that is free)\n"
	"      --no-summary    no live summary on the terminal\n"
	"  -v, --verbose       say more\n"
	"  -h, --help          this text\n"
	"\n"
	"SIGHUP, or a change of the file, reloads it. SIGTERM and Ctrl-C end.\n";

struct words {
	struct agent_options agent;
	bool print, check;
};

enum { OPTION_PRINT = 256, OPTION_CHECK, OPTION_STORE, OPTION_PORT, OPTION_NO_SUMMARY };

/* 0: go on; else the exit status plus one. */
static int read_words(int argc, char **argv, struct words *w)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "print-config", no_argument, NULL, OPTION_PRINT },
		{ "check-config", no_argument, NULL, OPTION_CHECK },
		{ "store", required_argument, NULL, OPTION_STORE },
		{ "port", required_argument, NULL, OPTION_PORT },
		{ "no-summary", no_argument, NULL, OPTION_NO_SUMMARY },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			w->agent.config_file = optarg;
			break;
		case OPTION_PRINT:
			w->print = true;
			break;
		case OPTION_CHECK:
			w->check = true;
			break;
		case OPTION_STORE:
			w->agent.store = optarg;
			break;
		case OPTION_PORT:
			w->agent.port = optarg;
			break;
		case OPTION_NO_SUMMARY:
			w->agent.no_summary = true;
			break;
		case 'v':
			log_level = LOG_LEVEL_DEBUG;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? 1 : 3;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "saker agent: unexpected word '%s'\n", argv[optind]);
		return 3;
	}
	return 0;
}

static int print_config(const struct config *c)
{
	_cleanup_buf_ struct buf b = {};

	config_print(c, &b);
	return b.error || fputs(buf_str(&b), stdout) == EOF || fflush(stdout) ? 1 : 0;
}

static int run(const struct words *w, struct config *c)
{
	int status = 0;

	if (w->print)
		status = print_config(c);
	else if (w->check)
		printf("%s: right\n", w->agent.config_file ? w->agent.config_file : "the defaults");
	if (w->print || w->check) {
		config_free(c);
		return status;
	}
	if (geteuid()) {
		fprintf(stderr,
			"saker agent: needs root to load BPF programs (try: sudo saker agent)\n");
		config_free(c);
		return 1;
	}
	return agent_run(&w->agent, c);
}

static int command_agent(int argc, char **argv)
{
	struct words w = {};
	struct config *c;
	int status = read_words(argc, argv, &w);

	if (status)
		return status - 1;
	if (!w.agent.config_file && !access(CONFIG_PATH, F_OK))
		w.agent.config_file = CONFIG_PATH;
	if (agent_config(&w.agent, -1, &c)) {
		fprintf(stderr, "saker agent: %s\n", error_text());
		return 2;
	}
	return run(&w, c);
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (argc > 0 && !strcmp(argv[0], "query"))
		return command_query(argc, argv);
	if (argc > 1 && !strcmp(argv[1], "query"))
		return command_query(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "agent"))
		return command_agent(argc - 1, argv + 1);
	return command_agent(argc, argv);
}
