// SPDX-License-Identifier: Apache-2.0
/*
 * bpftrace's command line, word by word, so that a runbook's line works unchanged. What concerns
 * LLVM only is taken and does nothing. Saker's own words (--explain) are taken too.
 */
#include "cli/script/script.h"

#include <getopt.h>

enum {
	OPTION_INFO = 256,
	OPTION_NO_WARNINGS,
	OPTION_INCLUDE,
	OPTION_UNSAFE,
	OPTION_DRY_RUN,
	OPTION_TEST,
	OPTION_BENCH,
	OPTION_MODE,
	OPTION_PROBE_FILTER,
	OPTION_TRACEABLE,
	OPTION_EMIT_ELF,
	OPTION_FORMAT,
	OPTION_NOTHING, /* accepted without effect */
	OPTION_NOTHING_WITH,
	OPTION_EXPLAIN,
	OPTION_NO_FEATURE,
	OPTION_EXPORT,
	OPTION_EXPORT_NAME,
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "list", no_argument, NULL, 'l' },
	{ "pid", required_argument, NULL, 'p' },
	{ "cmd", required_argument, NULL, 'c' },
	{ "output", required_argument, NULL, 'o' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "warnings", no_argument, NULL, 'k' },
	{ "debug", required_argument, NULL, 'd' },
	{ "dump", required_argument, NULL, 'd' },
	{ "info", no_argument, NULL, OPTION_INFO },
	{ "no-warnings", no_argument, NULL, OPTION_NO_WARNINGS },
	{ "include", required_argument, NULL, OPTION_INCLUDE },
	{ "unsafe", no_argument, NULL, OPTION_UNSAFE },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "test", no_argument, NULL, OPTION_TEST },
	{ "bench", no_argument, NULL, OPTION_BENCH },
	{ "mode", required_argument, NULL, OPTION_MODE },
	{ "probe-filter", required_argument, NULL, OPTION_PROBE_FILTER },
	{ "traceable-functions", required_argument, NULL, OPTION_TRACEABLE },
	{ "emit-elf", required_argument, NULL, OPTION_EMIT_ELF },
	{ "explain", no_argument, NULL, OPTION_EXPLAIN },
	{ "usdt-file-activation", no_argument, NULL, OPTION_NOTHING },
	{ "verify-llvm-ir", no_argument, NULL, OPTION_NOTHING },
	{ "btf", no_argument, NULL, OPTION_NOTHING },
	{ "fmt", no_argument, NULL, OPTION_FORMAT },
	{ "emit-llvm", required_argument, NULL, OPTION_NOTHING_WITH },
	{ "dwarf-pid", required_argument, NULL, OPTION_NOTHING_WITH },
	{ "debuginfo", required_argument, NULL, OPTION_NOTHING_WITH },
	{ "no-feature", required_argument, NULL, OPTION_NO_FEATURE },
	{ "export", optional_argument, NULL, OPTION_EXPORT },
	{ "export-name", required_argument, NULL, OPTION_EXPORT_NAME },
	{ "aot", required_argument, NULL, OPTION_NOTHING_WITH },
	{},
};

void script_usage(FILE *out)
{
	fputs("usage: saker bpftrace [options] FILE [arguments]\n"
	      "       saker bpftrace [options] -e 'PROGRAM' [arguments]\n"
	      "       saker run FILE.bt ... [options] [arguments]\n"
	      "       named parameters of a script stand behind --: -- --name=value\n"
	      "\n"
	      "  -e PROGRAM          run this program; FILE may be - for stdin\n"
	      "  -l, --list [PATTERN|FILE]   probes of this machine; -lv with their arguments\n"
	      "  -p, --pid PID       user probes of this process only\n"
	      "  -c, --cmd COMMAND   run it, stopped until everything is attached; end with it\n"
	      "  -o, --output FILE   write there instead of to stdout\n"
	      "  -f FORMAT           text or json\n"
	      "  -B MODE             buffering: line, full or none\n"
	      "  -q, --quiet         no messages\n"
	      "  -k, --warnings      say when a read of memory fails\n"
	      "  --no-warnings       none at all\n"
	      "  -I FOLDER, --include FILE   where headers are, and one to begin with\n"
	      "  --unsafe            allow system(), signal(), override(), write_user()\n"
	      "  --dry-run           end when everything is attached\n"
	      "  --fmt               print the script laid out anew\n"
	      "  --export[=SOCKET]   what it says goes to the agent too: store, metrics, stream\n"
	      "  --export-name NAME  instead of the script's own\n"
	      "  --explain           say what would be attached, and what it costs, then end\n"
	      "  --test, --bench, --mode MODE, --probe-filter REGEX   test and bench probes\n"
	      "  --traceable-functions FILE  functions that can be traced, one a line\n"
	      "  -d, --dump STAGE    print ast, types, ir or bpf and end\n"
	      "  --info              what this kernel allows\n"
	      "  -v, --verbose       say more       -V, --version   -h, --help\n",
	      out);
}

static int add(const char ***list, size_t *count, size_t *capacity, const char *word)
{
	int err = grow(list, capacity, *count + 1, sizeof(**list));

	if (!err)
		(*list)[(*count)++] = word;
	return err;
}

static int bad(const struct script_command *c, int *ret_status, const char *what, const char *word)
{
	fprintf(stderr, c->is_bpftrace ? "ERROR: %s \"%s\"\n" : "saker: %s \"%s\"\n", what, word);
	*ret_status = 1;
	return 1;
}

static int read_stage(struct script_command *c, const char *word, int *ret_status)
{
	static const struct {
		const char *name;
		int stage;
	} stages[] = {
		{ "ast", LANG_AST },	{ "parse", LANG_AST },	  { "types", LANG_TYPES },
		{ "ir", LANG_IR },	{ "codegen", LANG_IR },	  { "codegen-opt", LANG_IR },
		{ "bpf", LANG_BPF },	{ "dis", LANG_BPF },	  { "all", LANG_BPF },
		{ "libbpf", LANG_ALL }, { "verifier", LANG_ALL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		if (!strcmp(word, stages[i].name)) {
			c->lang.dump = stages[i].stage;
			return 0;
		}
	}
	return bad(c, ret_status, "USAGE: -d takes ast, types, ir or bpf, not", word);
}

static int read_mode(struct script_command *c, const char *word, int *ret_status)
{
	c->lang.script.mode = word;
	if (!strcmp(word, "test"))
		c->lang.script.test = true;
	else if (!strcmp(word, "bench"))
		c->lang.script.bench = true;
	else if (!strcmp(word, "format"))
		c->lang.dump = LANG_FORMAT;
	else if (strcmp(word, "codegen") && strcmp(word, "compiler-bench"))
		return bad(c, ret_status, "invalid mode", word);
	return 0;
}

/* bpftrace's three words; ours, kprobe and fentry, make each be taken as the other. */
static int read_features(struct script_command *c, const char *word, int *ret_status)
{
	static const char *const names[] = { "kprobe_multi", "kprobe_session", "uprobe_multi",
					     "kprobe", "fentry" };
	struct buf *b = &c->features;

	while (*word) {
		size_t len = strcspn(word, ","), i = 0;

		while (i < ARRAY_SIZE(names) &&
		       (strlen(names[i]) != len || strncmp(names[i], word, len)))
			i++;
		if (i == ARRAY_SIZE(names))
			return bad(c, ret_status,
				   "USAGE: --no-feature takes kprobe_multi, kprobe_session and "
				   "uprobe_multi, not",
				   word);
		buf_printf(b, "no-%s,", names[i]);
		word += len + (word[len] == ',');
	}
	c->lang.script.mode = buf_str(b);
	return b->error;
}

static int read_format(struct script_command *c, const char *word, int *ret_status)
{
	c->json = !strcmp(word, "json");
	if (!c->json && strcmp(word, "text"))
		return bad(c, ret_status, "Invalid output format", word);
	return 0;
}

static int read_buffering(struct script_command *c, const char *word, int *ret_status)
{
	static const char *const names[] = { "line", "full", "none" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(word, names[i])) {
			c->buffering = (enum buffering)i;
			return 0;
		}
	}
	return bad(c, ret_status, "USAGE: -B must be either 'line', 'full', or 'none', not", word);
}

static int read_pid(struct script_command *c, const char *word, int *ret_status)
{
	s64 pid;

	if (parse_s64(word, &pid) || pid <= 0 || pid > 4194304)
		return bad(c, ret_status, "failed to parse pid", word);
	c->lang.script.pid = (s32)pid;
	return 0;
}

static int read_long(struct script_command *c, int option, const char *word, int *ret_status)
{
	switch (option) {
	case OPTION_INFO:
		c->info = true;
		break;
	case OPTION_NO_WARNINGS:
		c->no_warnings = true;
		break;
	case OPTION_UNSAFE:
		c->lang.script.unsafe = true;
		break;
	case OPTION_DRY_RUN:
		c->dry_run = true;
		break;
	case OPTION_EXPLAIN:
		c->explain = true;
		break;
	case OPTION_TEST:
		c->lang.script.test = true;
		break;
	case OPTION_BENCH:
		c->lang.script.bench = true;
		break;
	case OPTION_FORMAT:
		c->lang.dump = LANG_FORMAT;
		break;
	case OPTION_MODE:
		return read_mode(c, word, ret_status);
	case OPTION_NO_FEATURE:
		return read_features(c, word, ret_status);
	case OPTION_PROBE_FILTER:
		c->lang.script.probe_filter = word;
		break;
	case OPTION_TRACEABLE:
		c->lang.script.traceable = word;
		break;
	case OPTION_EMIT_ELF:
		c->emit_elf = word;
		break;
	case OPTION_EXPORT:
		c->export = c->lang.script.timestamps = true;
		c->export_socket = word;
		break;
	case OPTION_EXPORT_NAME:
		c->export_name = word;
		break;
	case OPTION_INCLUDE:
		return add(&c->include_files, &c->include_file_count, &c->include_file_capacity,
			   word);
	default:
		break;
	}
	return 0;
}

static int read_option(struct script_command *c, int option, const char *word, int *ret_status)
{
	switch (option) {
	case 'h':
		c->help = true;
		break;
	case 'V':
		c->version = true;
		break;
	case 'v':
		c->verbose = true;
		break;
	case 'l':
		c->list = true;
		break;
	case 'q':
		c->quiet = true;
		break;
	case 'k':
		c->lang.script.warnings = true;
		break;
	case 'e':
		c->expression = word;
		break;
	case 'c':
		c->child = word;
		break;
	case 'o':
		c->output = word;
		break;
	case 'p':
		return read_pid(c, word, ret_status);
	case 'f':
		return read_format(c, word, ret_status);
	case 'B':
		return read_buffering(c, word, ret_status);
	case 'd':
		return read_stage(c, word, ret_status);
	case 'I':
		return add(&c->include_folders, &c->include_folder_count,
			   &c->include_folder_capacity, word);
	case '?':
	case ':':
		script_usage(stderr);
		*ret_status = 1;
		return 1;
	default:
		return read_long(c, option, word, ret_status);
	}
	return 0;
}

static bool is_script_file(const struct script_command *c, const char *word)
{
	if (!c->file_count)
		return true;
	return !c->is_bpftrace && str_ends(word, ".bt") && !access(word, R_OK);
}

/* What stands behind the options: files, then positional parameters; behind --, named ones. */
static int read_rest(struct script_command *c, int argc, char **argv, int at, int named_from)
{
	int err = 0;

	for (; at < argc && !err; at++) {
		const char *word = argv[at];

		if (at >= named_from && str_starts(word, "--"))
			err = add(&c->named, &c->named_count, &c->named_capacity, word + 2);
		else if (c->list && !c->pattern)
			c->pattern = word;
		else if (!c->expression && is_script_file(c, word))
			err = add(&c->files, &c->file_count, &c->file_capacity, word);
		else
			err = add(&c->positional, &c->positional_count, &c->positional_capacity,
				  word);
	}
	return err;
}

static int double_dash(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--"))
			return i;
	}
	return argc;
}

int script_options_read(struct script_command *c, int argc, char **argv, int *ret_status)
{
	int dashes = double_dash(argc, argv), option, err = 0;

	optind = 0;
	while (!err && (option = getopt_long(argc, argv, "hVvlqke:c:o:p:f:B:d:I:", long_options,
					     NULL)) != -1)
		err = read_option(c, option, optarg, ret_status);
	if (err)
		return err;
	/* getopt moved what stood before -- behind the options; what is behind it stayed there. */
	err = read_rest(c, argc, argv, optind, dashes < argc ? dashes + 1 : argc);
	c->lang.script.arguments = (struct script_arguments){
		.positional = c->positional,
		.count = c->positional_count,
		.named = c->named,
		.named_count = c->named_count,
	};
	return err;
}

void script_options_free(struct script_command *c)
{
	free(c->files);
	free(c->include_folders);
	free(c->include_files);
	free(c->positional);
	free(c->named);
	buf_free(&c->features);
}
