// SPDX-License-Identifier: Apache-2.0
/* saker list [gadgets | probes [PATTERN] | columns NAME]: what there is to look at. */
#include "cli/command.h"
#include "cli/run.h"

#include "kernel/kernel.h"

#include <getopt.h>

struct list_options {
	bool json;
	const char *what, *argument;
};

static int list_gadgets(const struct list_options *o)
{
	size_t count;
	const struct embedded_gadget *all = gadget_embedded(&count);

	for (size_t i = 0; i < count; i++) {
		_cleanup_(gadget_freep) struct gadget *g = NULL;
		_cleanup_buf_ struct buf b = {};

		if (gadget_open_bytes(all[i].name, all[i].bytes, all[i].size, &g)) {
			fprintf(stderr, "saker list: %s\n", error_text());
			return 1;
		}
		if (!o->json) {
			printf("%-14s %s\n", all[i].name, gadget_info(g)->summary);
			continue;
		}
		buf_add_str(&b, "{\"name\":");
		text_add_json(&b, all[i].name, strlen(all[i].name));
		buf_add_str(&b, ",\"summary\":");
		text_add_json(&b, gadget_info(g)->summary, strlen(gadget_info(g)->summary));
		buf_add_str(&b, ",\"schemas\":[");
		for (size_t k = 0; k < gadget_info(g)->schema_count; k++) {
			if (k)
				buf_add_char(&b, ',');
			schema_to_json(gadget_info(g)->schemas[k], &b);
		}
		printf("%s]}\n", buf_str(&b));
	}
	return 0;
}

/* Every tracepoint of the kernel; the pattern is a shell's. */
static int list_probes(const struct list_options *o)
{
	const char *tracefs = tracefs_path();
	const char *pattern = o->argument ? o->argument : "*";
	_cleanup_buf_ struct buf events = {};
	char path[256], *line, *next;

	if (!tracefs) {
		fprintf(stderr, "saker list: %s\n", error_text());
		return 1;
	}
	snprintf(path, sizeof(path), "%s/available_events", tracefs);
	if (read_file(path, 16 << 20, &events)) {
		fprintf(stderr, "saker list: %s\n", error_text());
		return 1;
	}
	next = events.data;
	while ((line = strsep(&next, "\n"))) {
		if (*line && glob_match(pattern, strlen(pattern), line, strlen(line)))
			printf(o->json ? "{\"probe\":\"tracepoint:%s\"}\n" : "tracepoint:%s\n",
			       line);
	}
	return 0;
}

static void print_column(const struct column *c)
{
	printf("  %-18s %-13s %s%s%s%s\n", c->name, c->kind->name, c->help, *c->unit ? " (" : "",
	       c->unit, *c->unit ? ")" : "");
}

static int list_columns(const struct list_options *o)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	_cleanup_(host_freep) struct host *h = NULL;
	struct gadget_info *info;

	if (!o->argument) {
		fprintf(stderr, "saker list columns: which gadget? (see: saker list)\n");
		return 2;
	}
	if (gadget_open(o->argument, &g)) {
		fprintf(stderr, "saker list: %s\n", error_text());
		return 2;
	}
	info = gadget_info(g);
	h = host_new(NULL);
	for (size_t i = 0; i < info->schema_count; i++) {
		struct schema *s = info->schemas[i];
		_cleanup_buf_ struct buf b = {};

		if (!h || host_add_columns(h, s)) {
			fprintf(stderr, "saker list: %s\n", error_text());
			return 1;
		}
		if (o->json) {
			schema_to_json(s, &b);
			printf("%s\n", buf_str(&b));
			continue;
		}
		printf("%s: %s\n", s->name, s->summary);
		for (size_t k = 0; k < s->count; k++)
			print_column(&s->columns[k]);
	}
	if (info->input && !o->json) {
		printf("%s, what --where sees: %s\n", info->name, info->input->summary);
		for (size_t k = 0; k < info->input->stored; k++)
			print_column(&info->input->columns[k]);
	}
	return 0;
}

int command_list(int argc, char **argv)
{
	static const struct option long_options[] = { { "output", required_argument, NULL, 'o' },
						      { "help", no_argument, NULL, 'h' },
						      {} };
	struct list_options o = { .what = "gadgets" };
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
		if (c == 'o' && (!strcmp(optarg, "json") || !strcmp(optarg, "table"))) {
			o.json = !strcmp(optarg, "json");
			continue;
		}
		if (c == 'o')
			fprintf(stderr, "saker list: -o takes table or json\n");
		printf("usage: saker list [gadgets | probes [PATTERN] | columns NAME] [-o json]\n");
		return c == 'h' ? 0 : 2;
	}
	if (optind < argc)
		o.what = argv[optind++];
	if (optind < argc)
		o.argument = argv[optind++];
	if (!strcmp(o.what, "gadgets"))
		return list_gadgets(&o);
	if (!strcmp(o.what, "probes"))
		return list_probes(&o);
	if (!strcmp(o.what, "columns"))
		return list_columns(&o);
	fprintf(stderr, "saker list: '%s' is not gadgets, probes or columns\n", o.what);
	return 2;
}
