// SPDX-License-Identifier: Apache-2.0
/*
 * saker run NAME | FILE.bpf.o | FILE.bpf.c: a gadget of the drawer, or a program of the user's own. A source file is compiled
 * with clang, where there is one, against the headers that this binary carries. A BCC Python program is refused with the name of
 * the tool that does its job.
 */
#include "cli/command.h"
#include "cli/plain.h"
#include "cli/run.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

/* gadgets/include/ as it was at build time (tools/embed.sh). */
extern const char saker_header_gadget[], saker_header_gadget_end[];
extern const char saker_header_kernel[], saker_header_kernel_end[];

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
		fprintf(stderr, "saker run: %s is a BCC Python program; Saker's tool for it is: saker %s\n", path, name);
	else
		fprintf(stderr, "saker run: %s is a BCC Python program, which Saker does not run (see: saker list)\n",
			path);
	return 2;
}

/* ---- a source file ------------------------------------------------------------------------------------------------ */

struct workspace {
	char folder[64];
};

static int put_file(const char *folder, const char *name, const char *from, const char *to)
{
	_cleanup_close_ int fd = -1;
	char path[160];
	size_t size = (size_t)(to - from);

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, from, size) != (ssize_t)size)
		return fail_errno(-errno, "cannot write %s", path);
	return 0;
}

static int workspace_make(struct workspace *w)
{
	int err;

	snprintf(w->folder, sizeof(w->folder), "/tmp/saker-XXXXXX");
	if (!mkdtemp(w->folder)) {
		w->folder[0] = '\0';
		return fail_errno(-errno, "cannot make a folder in /tmp");
	}
	err = put_file(w->folder, "gadget.h", saker_header_gadget, saker_header_gadget_end);
	if (!err)
		err = put_file(w->folder, "kernel.h", saker_header_kernel, saker_header_kernel_end);
	return err;
}

static void workspace_remove(struct workspace *w)
{
	static const char *const files[] = { "gadget.h", "kernel.h", "program.o" };
	char path[160];

	if (!w->folder[0])
		return;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", w->folder, files[i]);
		unlink(path);
	}
	rmdir(w->folder);
}

/*
 * BCC's examples call bpf_trace_printk("text") with no size, libbpf's with one; this takes both. A declaration of the helper is
 * untouched: there its name is not followed by an opening bracket.
 */
#define PRINTK_MACRO                                                                                  \
	"-Dbpf_trace_printk(...)=SAKER_PRINTK_(__VA_ARGS__,SAKER_PRINTK_N_,SAKER_PRINTK_N_,"          \
	"SAKER_PRINTK_N_,SAKER_PRINTK_N_,SAKER_PRINTK_N_,SAKER_PRINTK_1_,_)(__VA_ARGS__)"

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return fail_errno(-errno, "waitpid");
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : fail(-EINVAL, "clang refused it (see above)");
}

static int compile(const char *source, const struct workspace *w, char *ret_object, size_t size)
{
	char include[80];
	const char *arguments[] = {
		"clang", "-g", "-O2", "-target", "bpf", "-mcpu=v3", "-Wno-unused-value",
		"-D__TARGET_ARCH_x86", include, "-I/usr/include/x86_64-linux-gnu", "-I/usr/include/aarch64-linux-gnu",
		"-DSAKER_PRINTK_(a,b,c,d,e,f,name,...)=name",
		"-DSAKER_PRINTK_1_(fmt)=((long(*)(const char*,unsigned,...))6)(fmt,sizeof(fmt))",
		"-DSAKER_PRINTK_N_(fmt,...)=((long(*)(const char*,unsigned,...))6)(fmt,__VA_ARGS__)", PRINTK_MACRO,
		"-c", source, "-o", ret_object, NULL,
	};
	pid_t pid;
	int err;

	snprintf(include, sizeof(include), "-I%s", w->folder);
	snprintf(ret_object, size, "%s/program.o", w->folder);
	err = posix_spawnp(&pid, "clang", NULL, NULL, (char **)arguments, environ);
	if (err == ENOENT)
		return fail(-ENOENT, "%s: compiling needs clang, which is not installed here (compile it elsewhere with: "
				     "clang -g -O2 -target bpf -c, and run the .o)", source);
	return err ? fail_errno(-err, "cannot run clang") : wait_for(pid);
}

static int run_source(const char *path, int argc, char **argv)
{
	struct workspace w = {};
	struct gadget *g = NULL;
	char object[128];
	int err = workspace_make(&w);

	if (!err)
		err = compile(path, &w, object, sizeof(object));
	if (!err)
		err = gadget_open(object, &g);
	workspace_remove(&w);
	if (err) {
		fprintf(stderr, "saker run: %s\n", error_text());
		return 1;
	}
	return gadget_info(g)->tagged ? run_opened(g, path, argc, argv) : run_plain(g, path, argc, argv);
}

static int run_object(const char *path, int argc, char **argv)
{
	struct gadget *g = NULL;

	if (gadget_open(path, &g)) {
		fprintf(stderr, "saker run: %s\n", error_text());
		return 2;
	}
	return gadget_info(g)->tagged ? run_opened(g, path, argc, argv) : run_plain(g, path, argc, argv);
}

int command_run(int argc, char **argv)
{
	_cleanup_buf_ struct buf text = {};
	const char *what = argc > 1 ? argv[1] : NULL;
	struct stat st;

	if (!what || !strcmp(what, "--help") || !strcmp(what, "-h")) {
		FILE *out = what ? stdout : stderr;

		fprintf(out, "usage: saker run NAME | FILE.bpf.o | FILE.bpf.c [options]   (see: saker list)\n");
		return what ? 0 : 2;
	}
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
		return run_source(what, argc - 1, argv + 1);
	fprintf(stderr, "saker run: %s is neither a BPF object (.o) nor a C source file (.bpf.c)\n", what);
	return 2;
}
