// SPDX-License-Identifier: Apache-2.0
/* saker-agent: what `saker agent` and `saker query` become. The store, the web server and their libraries are in here only. */
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
	const char *config, *store, *port;
	bool print, check, no_summary;
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
			w->config = optarg;
			break;
		case OPTION_PRINT:
			w->print = true;
			break;
		case OPTION_CHECK:
			w->check = true;
			break;
		case OPTION_STORE:
			w->store = optarg;
			break;
		case OPTION_PORT:
			w->port = optarg;
			break;
		case OPTION_NO_SUMMARY:
			w->no_summary = true;
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

static int replace_text(char **at, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return fail(-ENOMEM, "out of memory");
	free(*at);
	*at = copy;
	return 0;
}

static int make_config(struct words *w, struct config **ret)
{
	_cleanup_(config_freep) struct config *c = NULL;
	int err;

	if (!w->config && !access(CONFIG_PATH, F_OK))
		w->config = CONFIG_PATH;
	if (w->config) {
		err = config_read(w->config, &c);
	} else {
		c = config_new();
		err = c ? 0 : fail(-ENOMEM, "out of memory");
	}
	if (!err && w->store)
		err = replace_text(&c->store_path, w->store);
	if (!err && w->port)
		err = parse_u64(w->port, &c->http_port);
	if (!err && c->http_port > 65535)
		err = fail(-EINVAL, "%s is not a port", w->port);
	if (!err)
		*ret = TAKE_PTR(c);
	return err;
}

static int command_agent(int argc, char **argv)
{
	struct words w = {};
	struct agent_options o = {};
	struct config *c = NULL;
	int status = read_words(argc, argv, &w);

	if (status)
		return status - 1;
	if (make_config(&w, &c)) {
		fprintf(stderr, "saker agent: %s\n", error_text());
		return 2;
	}
	if (w.print) {
		_cleanup_buf_ struct buf b = {};

		config_print(c, &b);
		fputs(buf_str(&b), stdout);
	}
	if (w.print || w.check) {
		config_free(c);
		return 0;
	}
	if (geteuid()) {
		fprintf(stderr, "saker agent: needs root to load BPF programs (try: sudo saker agent)\n");
		config_free(c);
		return 1;
	}
	o.config_file = w.config;
	o.no_summary = w.no_summary;
	return agent_run(&o, c);
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
