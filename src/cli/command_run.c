// SPDX-License-Identifier: Apache-2.0
/*
 * saker run NAME | FILE.bpf.o | FILE.bpf.c: a gadget of the drawer, or a program of the user's own.
 * A source file is compiled with clang, where there is one, against the headers that this binary
 * carries. A BCC Python program is refused with the name of the tool that does its job.
 */
#include "cli/command.h"
#include "cli/compile.h"
#include "cli/plain.h"
#include "cli/run.h"

#include <sys/stat.h>

static bool is_bcc(const char *text)
{
	return strstr(text, "from bcc import") || strstr(text, "import bcc");
}

/* "opensnoop.py", "opensnoop-bpfcc" -> "opensnoop" when there is such a gadget. */
static const char *gadget_for(const char *path)
{
	const char *base = strrchr(path, '/');
	size_t count, len;
	const struct embedded_gadget *all = gadget_embedded(&count);

	base = base ? base + 1 : path;
	len = strcspn(base, ".-");
	for (size_t i = 0; i < count; i++) {
		if (strlen(all[i].name) == len && !memcmp(all[i].name, base, len))
			return all[i].name;
	}
	return NULL;
}

static int refuse_bcc(const char *path)
{
	const char *name = gadget_for(path);

	if (name)
		fprintf(stderr,
			"saker run: %s is a BCC Python program; Saker's tool for it is: saker %s\n",
			path, name);
	else
		fprintf(stderr,
			"saker run: %s is a BCC Python program, which Saker does not run (see: saker list)\n",
			path);
	return 2;
}

static int run_opened_or_plain(struct gadget *g, const char *path, int argc, char **argv)
{
	if (gadget_info(g)->tagged)
		return run_opened(g, path, argc, argv);
	return run_plain(g, path, argc, argv);
}

static int run_source(const char *path, const char *text, int argc, char **argv)
{
	_cleanup_buf_ struct buf object = {};
	_cleanup_free_ char *name = NULL;
	const char *slash = strrchr(path, '/');
	struct gadget *g = NULL;
	int err = compile_source(path, text, &object);

	if (!err) {
		name = strdup(slash ? slash + 1 : path);
		if (name)
			name[strcspn(name, ".")] = '\0';
		err = name ? gadget_open_bytes(*name ? name : "program", object.data, object.len,
					       &g)
			   : fail(-ENOMEM, "out of memory");
	}
	if (err) {
		fprintf(stderr, "saker run: %s\n", error_text());
		return 1;
	}
	return run_opened_or_plain(g, path, argc, argv);
}

static int run_object(const char *path, int argc, char **argv)
{
	struct gadget *g = NULL;

	if (gadget_open(path, &g)) {
		fprintf(stderr, "saker run: %s\n", error_text());
		return 2;
	}
	return run_opened_or_plain(g, path, argc, argv);
}

int command_run(int argc, char **argv)
{
	_cleanup_buf_ struct buf text = {};
	const char *what = argc > 1 ? argv[1] : NULL;
	struct stat st;

	if (!what || !strcmp(what, "--help") || !strcmp(what, "-h")) {
		FILE *out = what ? stdout : stderr;

		fprintf(out,
			"usage: saker run NAME | FILE.bpf.o | FILE.bpf.c [options]  (see: saker list)\n"
			"       saker run FILE.bt ... | -e PROGRAM [options]   (saker bpftrace --help)\n");
		return what ? 0 : 2;
	}
	if (what[0] == '-' || str_ends(what, ".bt"))
		return command_script(argc, argv);
	if (!strchr(what, '/') && stat(what, &st))
		return run_gadget(what, argc - 1, argv + 1);
	if (stat(what, &st)) {
		fprintf(stderr, "saker run: cannot open %s: %s\n", what, strerror(errno));
		return 2;
	}
	if (!S_ISREG(st.st_mode)) {
		fprintf(stderr, "saker run: %s is not a file\n", what);
		return 2;
	}
	if (read_file(what, 16 << 20, &text)) {
		fprintf(stderr, "saker run: %s\n", error_text());
		return 2;
	}
	if (text.len > 4 && !memcmp(text.data, "\177ELF", 4))
		return run_object(what, argc - 1, argv + 1);
	if (is_bcc(buf_str(&text)))
		return refuse_bcc(what);
	if (str_ends(what, ".c"))
		return run_source(what, buf_str(&text), argc - 1, argv + 1);
	fprintf(stderr, "saker run: %s is neither a BPF object (.o) nor a C source file (.bpf.c)\n",
		what);
	return 2;
}
