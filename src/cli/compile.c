// SPDX-License-Identifier: Apache-2.0
/*
 * See compile.h. The headers are written into a folder of their own in /tmp, which is gone when the
 * object has been read: signals that would end saker wait until then. Books and older examples
 * leave things out that a program needs today (headers, a size for bpf_trace_printk(), a licence);
 * those are put in, so that such a program runs as it is printed.
 */
#include "cli/compile.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define OBJECT_MAX (16 << 20)

extern char **environ;

/* Made by tools/embed.sh. */
struct embedded_header {
	const char *name;
	const char *bytes;
	size_t size;
};
extern const struct embedded_header saker_headers[];
extern const u64 saker_header_count;

/*
 * ---- the folder -------------------------------------------------------------------------------
 */

#define OBJECT_NAME "object.o"
#define EXTRA_NAME "saker_extra.h"

struct workspace {
	char folder[32];
	sigset_t signals; /* as they were */
};

static int put_file(const struct workspace *w, const char *name, const void *bytes, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		return fail_errno(-errno, "cannot write %s", path);
	return 0;
}

static int workspace_make(struct workspace *w)
{
	sigset_t ending;
	int err = 0;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, &w->signals);
	snprintf(w->folder, sizeof(w->folder), "/tmp/saker-XXXXXX");
	if (!mkdtemp(w->folder)) {
		w->folder[0] = '\0';
		return fail_errno(-errno, "cannot make a folder in /tmp");
	}
	for (size_t i = 0; i < saker_header_count && !err; i++)
		err = put_file(w, saker_headers[i].name, saker_headers[i].bytes,
			       saker_headers[i].size);
	return err;
}

static void remove_file(const struct workspace *w, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	unlink(path);
}

/* A signal that came meanwhile takes effect here. */
static void workspace_remove(struct workspace *w)
{
	if (w->folder[0]) {
		for (size_t i = 0; i < saker_header_count; i++)
			remove_file(w, saker_headers[i].name);
		remove_file(w, OBJECT_NAME);
		remove_file(w, EXTRA_NAME);
		rmdir(w->folder);
	}
	sigprocmask(SIG_SETMASK, &w->signals, NULL);
}

/*
 * ---- clang ------------------------------------------------------------------------------------
 */

/*
 * BCC's examples call bpf_trace_printk("text") with no size, libbpf's with one; this takes both. A
 * declaration of the helper is untouched: there its name is not followed by an opening bracket.
 */
#define PRINTK_CALL "((long(*)(const char*,unsigned,...))6)"
#define PRINTK_PICK                                                                          \
	"-Dbpf_trace_printk(...)=SAKER_PRINTK_(__VA_ARGS__,SAKER_PRINTK_N_,SAKER_PRINTK_N_," \
	"SAKER_PRINTK_N_,SAKER_PRINTK_N_,SAKER_PRINTK_N_,SAKER_PRINTK_1_,_)(__VA_ARGS__)"

#ifdef __aarch64__
#define TARGET_ARCH "-D__TARGET_ARCH_arm64"
#define ARCH_HEADERS "-I/usr/include/aarch64-linux-gnu"
#else
#define TARGET_ARCH "-D__TARGET_ARCH_x86"
#define ARCH_HEADERS "-I/usr/include/x86_64-linux-gnu"
#endif

/* What the text leaves out. True: something. */
static bool add_what_lacks(const char *path, const char *text, struct buf *b)
{
	if (!strstr(text, "#include"))
		buf_add_str(b, "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n");
	if (!strstr(text, "\"license\"") && !strstr(text, "GADGET(") && strstr(text, "SEC(")) {
		fprintf(stderr,
			"saker run: %s names no licence; it runs here as GPL, which the kernel asks "
			"for: char LICENSE[] SEC(\"license\") = \"GPL\";\n",
			path);
		buf_add_str(b, "char saker_license[] __attribute__((section(\"license\"), used)) = "
			       "\"GPL\";\n");
	}
	return b->len > 0;
}

static int run_clang(const char *source, const char *folder, const char *extra, const char *object,
		     const sigset_t *signals)
{
	const char *arguments[] = {
		"clang",
		"-g",
		"-O2",
		"-target",
		"bpf",
		"-mcpu=v3",
		"-Wno-unused-value",
		TARGET_ARCH,
		"-I",
		folder,
		ARCH_HEADERS,
		/* old examples include "bpf_helpers.h" */
		"-idirafter",
		"/usr/include/bpf",
		"-DSAKER_PRINTK_(a,b,c,d,e,f,name,...)=name",
		"-DSAKER_PRINTK_1_(fmt)=" PRINTK_CALL "(fmt,sizeof(fmt))",
		"-DSAKER_PRINTK_N_(fmt,...)=" PRINTK_CALL "(fmt,__VA_ARGS__)",
		PRINTK_PICK,
		"-c",
		source,
		"-o",
		object,
		extra ? "-include" : NULL,
		extra,
		NULL,
	};
	posix_spawnattr_t attributes;
	pid_t pid;
	int err, status;

	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawnp(&pid, "clang", NULL, &attributes, (char **)arguments, environ);
	posix_spawnattr_destroy(&attributes);
	if (err == ENOENT)
		return fail(-ENOENT,
			    "%s: compiling needs clang, which is not installed here (compile it "
			    "elsewhere with: clang -g -O2 -target bpf -c, and run the .o)",
			    source);
	if (err)
		return fail_errno(-err, "cannot run clang");
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return fail_errno(-errno, "waitpid");
	}
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return fail(-EINVAL, "%s: clang refused it (see above)", source);
}

int compile_source(const char *path, const char *text, struct buf *ret_object)
{
	_cleanup_buf_ struct buf lacking = {};
	char object[64], extra[64];
	struct workspace w = {};
	bool lacks = false;
	int err = workspace_make(&w);

	snprintf(object, sizeof(object), "%s/" OBJECT_NAME, w.folder);
	snprintf(extra, sizeof(extra), "%s/" EXTRA_NAME, w.folder);
	if (!err)
		lacks = add_what_lacks(path, text, &lacking);
	if (lacks)
		err = put_file(&w, EXTRA_NAME, lacking.data, lacking.len);
	if (!err)
		err = run_clang(path, w.folder, lacks ? extra : NULL, object, &w.signals);
	if (!err)
		err = read_file(object, OBJECT_MAX, ret_object);
	workspace_remove(&w);
	return err;
}
