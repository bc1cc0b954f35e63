// SPDX-License-Identifier: Apache-2.0
/*
 * From the command line to the exit status: compile every script, load and attach all of them, then
 * a loop that waits for their rings, signals and the command of -c; at the end their maps.
 */
#include "cli/script/script.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <uv.h>

/* Records below the ring's watermark wake nobody: they are fetched this often. */
#define POLL_MS 20
#define SCRIPT_MAX (4u << 20)
#define FULL_BYTES (64u << 10) /* -B full: written when so much is there */

extern char **environ;

struct unit {
	struct compilation *compilation;
	struct run *run;
	struct script_exporter *exporter; /* NULL: nothing is exported */
	uv_poll_t ring;
};

struct session {
	struct script_command *command;
	struct unit *units;
	size_t count;
	struct host *host;
	struct script_child child;
	int out; /* descriptor of stdout or -o */
	uv_loop_t loop;
	uv_timer_t poll;
	uv_signal_t interrupt, terminate, child_exit, user_signal;
	bool done;
	int status;
};

/* ---- compile --------------------------------------------------------------------------------- */

static int read_script(const char *file, struct buf *b)
{
	char chunk[65536];
	ssize_t n;

	if (strcmp(file, "-"))
		return read_file(file, SCRIPT_MAX, b);
	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0 && b->len <= SCRIPT_MAX)
		buf_add(b, chunk, (size_t)n);
	return n < 0 ? fail_errno(-errno, "cannot read stdin") : b->error;
}

/* Notes (a header that was passed over) are for who asked with -v. */
static void drop_notes(struct diagnostics *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++) {
		if (d->items[i].severity != SEVERITY_NOTE)
			d->items[kept++] = d->items[i];
	}
	d->count = kept;
}

static void show_diagnostics(const struct session *s, struct compilation *c)
{
	_cleanup_buf_ struct buf b = {};

	if (!s->command->verbose)
		drop_notes(&c->diagnostics);

	diagnostics_print(&c->diagnostics, !s->command->no_warnings, isatty(STDERR_FILENO), &b);
	fputs(buf_str(&b), stderr);
}

static int compile_unit(struct session *s, struct unit *u, const char *name, const char *text,
			size_t len)
{
	struct lang_options *o = &s->command->lang;
	int err;

	o->name = name;
	error_clear();
	err = lang_compile(text, len, o, &u->compilation);
	if (u->compilation)
		show_diagnostics(s, u->compilation);
	if (err && (!u->compilation || !u->compilation->diagnostics.errors))
		fprintf(stderr, "ERROR: %s\n", error_text());
	return err;
}

static int compile_all(struct session *s)
{
	struct script_command *c = s->command;
	size_t count = c->expression ? 1 : c->file_count;
	int err = 0;

	s->units = calloc(count + 1, sizeof(*s->units));
	if (!s->units)
		return fail(-ENOMEM, "out of memory");
	for (; s->count < count && !err; s->count++) {
		_cleanup_buf_ struct buf text = {};
		const char *file = c->expression ? NULL : c->files[s->count];

		if (c->expression) {
			err = compile_unit(s, &s->units[0], "stdin", c->expression,
					   strlen(c->expression));
			continue;
		}
		err = read_script(file, &text);
		if (err)
			fprintf(stderr, "ERROR: failed to open file '%s': %s\n", file,
				strerror(-err));
		else
			err = compile_unit(s, &s->units[s->count],
					   strcmp(file, "-") ? file : "stdin", buf_str(&text),
					   text.len);
	}
	return err;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void finish(struct session *s)
{
	s->done = true;
	uv_stop(&s->loop);
}

static void write_all(struct session *s, struct buf *b, int fd)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n = write(fd, b->data + done, b->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EPIPE)
				fprintf(stderr, "ERROR: cannot write: %s\n", strerror(errno));
			s->status = s->status ? s->status : 1;
			finish(s);
			break;
		}
		done += (size_t)n;
	}
	buf_clear(b);
}

static void flush(struct session *s, struct unit *u, bool all)
{
	struct output *o = &u->run->out;

	if (o->text.len &&
	    (all || s->command->buffering != BUFFER_FULL || o->text.len >= FULL_BYTES))
		write_all(s, &o->text, s->out);
	if (o->messages.len)
		write_all(s, &o->messages, STDERR_FILENO);
}

static void consume(struct session *s, struct unit *u)
{
	ssize_t n = u->exporter ? script_exporter_consume(u->exporter) : run_consume(u->run);

	if (n < 0) {
		fprintf(stderr, "ERROR: %s\n", error_text());
		s->status = 1;
		finish(s);
	}
	flush(s, u, false);
	if (u->run->exiting) {
		if (u->run->exit_code)
			s->status = u->run->exit_code;
		finish(s);
	}
}

static void consume_all(struct session *s)
{
	for (size_t i = 0; i < s->count && !s->done; i++)
		consume(s, &s->units[i]);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void on_ring(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
	consume_all(handle->data);
}

static void on_poll(uv_timer_t *timer)
{
	struct session *s = timer->data;
	s32 pid = s->command->lang.script.pid;

	consume_all(s);
	for (size_t i = 0; i < s->count; i++) {
		if (s->units[i].exporter)
			script_exporter_tick(s->units[i].exporter);
	}
	if (pid && kill(pid, 0) && errno == ESRCH)
		finish(s);
}

static void on_stop(uv_signal_t *handle, int number UNUSED)
{
	finish(handle->data);
}

static void on_user_signal(uv_signal_t *handle, int number UNUSED)
{
	struct session *s = handle->data;

	for (size_t i = 0; i < s->count; i++)
		run_fire(s->units[i].run, "self", "SIGUSR1");
	consume_all(s);
}

static void on_child(uv_signal_t *handle, int number UNUSED)
{
	struct session *s = handle->data;

	if (s->child.pid > 0 && !s->child.ended &&
	    waitpid(s->child.pid, &s->child.status, WNOHANG) == s->child.pid) {
		s->child.ended = true;
		finish(s);
	}
}

static void start_signal(struct session *s, uv_signal_t *handle, uv_signal_cb fn, int number)
{
	uv_signal_init(&s->loop, handle);
	handle->data = s;
	uv_signal_start(handle, fn, number);
}

static void start_signals(struct session *s)
{
	uv_loop_init(&s->loop);
	start_signal(s, &s->interrupt, on_stop, SIGINT);
	start_signal(s, &s->terminate, on_stop, SIGTERM);
	start_signal(s, &s->child_exit, on_child, SIGCHLD);
	start_signal(s, &s->user_signal, on_user_signal, SIGUSR1);
	signal(SIGPIPE, SIG_IGN);
}

static void close_handle(uv_handle_t *handle, void *context UNUSED)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void close_loop(struct session *s)
{
	uv_walk(&s->loop, close_handle, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
}

static void loop(struct session *s)
{
	for (size_t i = 0; i < s->count; i++) {
		int fd = run_poll_fd(s->units[i].run);

		if (fd < 0)
			continue;
		uv_poll_init(&s->loop, &s->units[i].ring, fd);
		s->units[i].ring.data = s;
		uv_poll_start(&s->units[i].ring, UV_READABLE, on_ring);
	}
	uv_timer_init(&s->loop, &s->poll);
	s->poll.data = s;
	uv_timer_start(&s->poll, on_poll, POLL_MS, POLL_MS);
	consume_all(s); /* what begin said */
	if (!s->done)
		uv_run(&s->loop, UV_RUN_DEFAULT);
}

/* ---- load, attach, end ----------------------------------------------------------------------- */

static int start_unit(struct session *s, struct unit *u)
{
	struct script_command *c = s->command;
	int err;

	err = run_load(u->compilation->script, s->host, &u->run);
	if (err)
		return err;
	u->run->out.json = c->json;
	u->run->out.safe = !c->is_bpftrace && isatty(s->out);
	u->run->out.is_bpftrace = c->is_bpftrace;
	u->run->out.warnings = c->lang.script.warnings;
	u->run->out.no_warnings = c->no_warnings;
	u->run->out.quiet = c->quiet;
	u->run->out.run_command = script_shell;
	if (c->export)
		err = script_exporter_new(c, u->run, c->expression ? NULL : c->files[u - s->units],
					  &u->exporter);
	return err ? err : run_attach(u->run);
}

static u32 attached(const struct unit *u)
{
	const struct script *s = u->compilation->script;
	size_t count = s->point_count;

	return (u32)(count - u->run->failed_points);
}

/* -v: what was taken in place of what was written. */
static void say_alternatives(const struct unit *u, struct buf *b)
{
	const struct script *s = u->compilation->script;

	for (size_t i = 0; i < s->point_count; i++) {
		const struct attach_point *a = s->points[i];

		if (a->effective && strcmp(a->effective->name, a->provider->name))
			buf_printf(b, "%s is attached as %s%s%s\n", a->name, a->effective->name,
				   a->why ? ": " : "", a->why ? a->why : "");
	}
}

static int start_all(struct session *s)
{
	bool notify = getenv("__BPFTRACE_NOTIFY_PROBES_ATTACHED") != NULL;
	int err = 0;

	s->host = host_new(NULL);
	if (!s->host)
		return fail(-ENOMEM, "out of memory");
	for (size_t i = 0; i < s->count && !err; i++)
		err = start_unit(s, &s->units[i]);
	for (size_t i = 0; i < s->count && !err; i++) {
		struct output *o = &s->units[i].run->out;

		if (!s->command->quiet && !(s->command->dry_run && s->command->json))
			output_attached(o, attached(&s->units[i]));
		if (s->command->verbose)
			say_alternatives(&s->units[i], &o->messages);
		if (notify)
			buf_add_str(&o->text, "__BPFTRACE_NOTIFY_PROBES_ATTACHED\n");
		flush(s, &s->units[i], true);
	}
	return err;
}

static void end_all(struct session *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct run *r = s->units[i].run;

		if (r->out.failed)
			run_detach(r);
		else if (s->units[i].exporter ? script_exporter_end(s->units[i].exporter)
					      : run_end(r))
			fprintf(stderr, "ERROR: %s\n", error_text());
		if (r->exit_code)
			s->status = r->exit_code;
		flush(s, &s->units[i], true);
	}
}

static int fire_tests(struct session *s)
{
	int err = 0;

	for (size_t i = 0; i < s->count && !err; i++)
		err = s->command->lang.script.test ? script_run_tests(s->units[i].run)
						   : script_run_benchmarks(s->units[i].run);
	return err;
}

/* A script that only begins and ends has nothing to wait for. */
static bool waits(const struct session *s)
{
	if (s->child.pid > 0)
		return true;
	for (size_t i = 0; i < s->count; i++) {
		const struct script *script = s->units[i].compilation->script;

		for (size_t k = 0; k < script->point_count; k++) {
			const char *provider = script->points[k]->provider->name;

			if (strcmp(provider, "begin") && strcmp(provider, "end") &&
			    (strcmp(provider, "iter") || script->points[k]->space))
				return true;
		}
	}
	return false;
}

static bool has_points(const struct session *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->units[i].compilation->script->point_count)
			return true;
	}
	return false;
}

static int run_all(struct session *s)
{
	int err = start_all(s);

	if (err) {
		fprintf(stderr, "ERROR: %s\n", error_text());
		for (size_t i = 0; s->command->verbose && i < s->count && s->units[i].run; i++)
			fputs(run_verifier_log(s->units[i].run), stderr);
		return 1;
	}
	script_child_release(&s->child);
	if (s->command->dry_run)
		return 0;
	for (size_t i = 0; i < s->count && !err; i++)
		err = run_iterate(s->units[i].run);
	if (err)
		fprintf(stderr, "ERROR: %s\n", error_text());
	if (s->command->lang.script.test || s->command->lang.script.bench)
		err = fire_tests(s);
	else if (waits(s))
		loop(s);
	else
		consume_all(s);
	s->done = false;
	end_all(s);
	return err ? 1 : s->status;
}

static int explain_all(struct session *s)
{
	for (size_t i = 0; i < s->count; i++)
		script_explain(s->units[i].compilation->script, stdout);
	return 0;
}

static int compiled(struct session *s)
{
	struct script_command *c = s->command;

	if (c->lang.dump != LANG_ALL) {
		for (size_t i = 0; i < s->count; i++)
			fputs(buf_str(&s->units[i].compilation->dump), stdout);
		return 0;
	}
	if (c->explain)
		return explain_all(s);
	/* compiles and no more */
	if (c->lang.script.mode && (!strcmp(c->lang.script.mode, "codegen") ||
				    !strcmp(c->lang.script.mode, "compiler-bench")))
		return 0;
	if (!has_points(s)) {
		printf("No probes to attach\n");
		return 1;
	}
	if (geteuid()) {
		fprintf(stderr, "ERROR: %s currently only supports running as the root user.\n",
			c->as);
		return 1;
	}
	return run_all(s);
}

static int compile_status(const struct session *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->units[i].compilation && s->units[i].compilation->failed_in_c)
			return 2;
	}
	return 1;
}

static int open_output(struct session *s)
{
	s->out = STDOUT_FILENO;
	if (!s->command->output)
		return 0;
	s->out = open(s->command->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (s->out >= 0)
		return 0;
	fprintf(stderr, "ERROR: failed to open output file: \"%s\": %s\n", s->command->output,
		strerror(errno));
	return 1;
}

static int start_child(struct session *s)
{
	struct script_command *c = s->command;

	if (!c->child || c->explain || c->lang.dump != LANG_ALL)
		return 0;
	if (script_child_start(&s->child, c->child, c->is_bpftrace ? "bpftrace" : "saker")) {
		fprintf(stderr, "ERROR: %s\n", error_text());
		return 1;
	}
	c->lang.script.child_pid = s->child.pid;
	c->lang.script.child_path = s->child.path;
	return 0;
}

int script_session(struct script_command *c)
{
	struct session s = { .command = c, .child = { .gate = -1 }, .out = STDOUT_FILENO };
	int status = open_output(&s);
	bool loops;

	c->lang.script.environment = (const char *const *)environ;
	c->lang.script.read = script_read;
	c->lang.script.context = c;
	c->lang.includes = c->include_files;
	c->lang.include_count = c->include_file_count;
	loops = !status;
	if (loops)
		start_signals(&s);
	if (!status)
		status = start_child(&s);
	if (!status)
		status = compile_all(&s) ? compile_status(&s) : compiled(&s);
	for (size_t i = 0; i < s.count; i++) {
		script_exporter_free(s.units[i].exporter);
		run_free(s.units[i].run);
	}
	for (size_t i = 0; i < s.count; i++)
		compilation_free(s.units[i].compilation);
	if (loops)
		close_loop(&s);
	script_child_stop(&s.child);
	host_free(s.host);
	free(s.units);
	if (s.out != STDOUT_FILENO)
		close_fd(&s.out);
	return status;
}
