// SPDX-License-Identifier: Apache-2.0
/*
 * Which scripts the folder holds, and what becomes of them: see scripts.h. Everything is driven by
 * one descriptor, an epoll with the folder's inotify, a timer and the children's messages, so that
 * the broker's loop has one thing more to wait for.
 */
#include "agent/scripts_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#define EVENTS                                                                              \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | \
	 IN_ONLYDIR)
#define SETTLE_NS (200 * NSEC_PER_MSEC) /* editors write, move, delete: all of it, then we look */
#define END_NS (3 * NSEC_PER_SEC)	/* then SIGTERM was not enough */
#define BACKOFF_MAX_NS (60 * NSEC_PER_SEC)
#define LONG_LIFE_NS (30 * NSEC_PER_SEC)

/* ---- the timer ------------------------------------------------------------------------------- */

static void earlier(u64 *at, u64 other)
{
	if (other && (!*at || other < *at))
		*at = other;
}

static void set_timer(struct scripts *s)
{
	struct itimerspec t = {};
	u64 at = s->rescan_at_ns;

	for (size_t i = 0; i < s->count; i++) {
		earlier(&at, s->all[i]->pid ? s->all[i]->kill_at_ns : 0);
		earlier(&at, s->all[i]->pid || s->stopping ? 0 : s->all[i]->start_at_ns);
	}
	t.it_value.tv_sec = (time_t)(at / NSEC_PER_SEC);
	t.it_value.tv_nsec = (long)(at % NSEC_PER_SEC);
	timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

/* ---- the folder ------------------------------------------------------------------------------ */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_uid == b->st_uid && a->st_mode == b->st_mode &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* It is run as root: nobody else may say what it does. */
static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & 022);
}

static struct script *find(struct scripts *s, const char *file)
{
	for (size_t i = 0; i < s->count; i++) {
		if (!strcmp(s->all[i]->file, file))
			return s->all[i];
	}
	return NULL;
}

/* "my opens.bt" -> "my_opens", as `saker run` would call it. */
static void name_script(struct script *one)
{
	size_t len = strlen(one->file) - strlen(".bt");

	snprintf(one->name, sizeof(one->name), "%.*s", (int)MIN(len, 48), one->file);
	for (char *p = one->name; *p; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			      (*p >= '0' && *p <= '9') || *p == '_' || *p == '-';

		*p = letter ? *p : '_';
	}
}

static void add_script(struct scripts *s, const char *file, const struct stat *st)
{
	struct script *one;

	if (s->count == SCRIPTS_MAX) {
		if (!*s->too_many)
			log_error("%s holds more than %d scripts: %s does not run", s->folder,
				  SCRIPTS_MAX, file);
		snprintf(s->too_many, sizeof(s->too_many), "%s", file);
		return;
	}
	one = calloc(1, sizeof(*one));
	if (!one)
		return;
	snprintf(one->file, sizeof(one->file), "%s", file);
	name_script(one);
	one->messages = -1;
	one->st = *st;
	one->changed = one->seen = true;
	s->all[s->count++] = one;
}

static void look_at(struct scripts *s, int folder, const char *file)
{
	struct script *one = find(s, file);
	struct stat st;

	if (fstatat(folder, file, &st, 0) || !S_ISREG(st.st_mode))
		return;
	if (!one) {
		add_script(s, file, &st);
		return;
	}
	one->seen = true;
	one->changed = one->changed || one->gone || !same_file(&one->st, &st);
	one->gone = false;
	one->st = st;
}

static int is_script(const struct dirent *e)
{
	return *e->d_name != '.' && str_ends(e->d_name, ".bt") && strlen(e->d_name) > 3;
}

/* -ENOENT: there is no folder, which is no error. */
static int look(struct scripts *s)
{
	_cleanup_close_ int folder = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **found = NULL;
	struct stat st;
	int n;

	for (size_t i = 0; i < s->count; i++)
		s->all[i]->seen = false;
	*s->too_many = '\0';
	if (folder < 0 || fstat(folder, &st))
		return errno == ENOENT ? -ENOENT : fail_errno(-errno, "%s", s->folder);
	if (!is_ours(&st))
		return fail(-EPERM,
			    "%s can be written to by others than root: its scripts do not run",
			    s->folder);
	inotify_add_watch(s->inotify, s->folder, EVENTS);
	n = scandirat(folder, ".", &found, is_script, alphasort);
	if (n < 0)
		return fail_errno(-errno, "%s", s->folder);
	for (int i = 0; i < n; i++) {
		look_at(s, folder, found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return 0;
}

/* ---- starting and ending --------------------------------------------------------------------- */

static void ask_to_end(struct script *one)
{
	if (!one->pid || one->kill_at_ns)
		return;
	kill(one->pid, SIGTERM);
	one->kill_at_ns = clock_monotonic_ns() + END_NS;
}

static void forget(struct scripts *s, size_t i)
{
	struct script *one = s->all[i];

	script_close_messages(one);
	buf_free(&one->line);
	free(one);
	memmove(&s->all[i], &s->all[i + 1], (s->count - i - 1) * sizeof(s->all[0]));
	s->count--;
}

static void apply_change(struct script *one, u64 now)
{
	one->changed = false;
	one->deaths = 0;
	one->start_at_ns = now;
	one->refused = !is_ours(&one->st);
	*one->error = '\0';
	if (!one->refused)
		return;
	one->start_at_ns = 0;
	snprintf(one->error, sizeof(one->error), "it can be written to by others than root");
	log_error("script %s does not run: %s", one->file, one->error);
}

/* What the last look found: new, changed and removed files. */
static void apply(struct scripts *s)
{
	u64 now = clock_monotonic_ns();

	for (size_t i = 0; i < s->count;) {
		struct script *one = s->all[i];

		if (!one->seen) {
			one->gone = true;
			one->start_at_ns = 0;
		}
		if (one->pid && (one->gone || one->changed)) {
			ask_to_end(one);
			i++;
			continue;
		}
		if (one->gone) {
			log_info("script %s is gone", one->file);
			forget(s, i);
			continue;
		}
		if (one->changed)
			apply_change(one, now);
		i++;
	}
}

void scripts_rescan(struct scripts *s)
{
	int err;

	if (!s || s->stopping)
		return;
	s->rescan_at_ns = 0;
	err = look(s);
	if (err && err != -ENOENT)
		log_error("%s", error_text());
	apply(s);
	set_timer(s);
}

static u64 backoff(const struct script *one)
{
	return MIN(NSEC_PER_SEC << MIN(one->deaths, 6) >> 1, BACKOFF_MAX_NS);
}

static void start(struct scripts *s, struct script *one)
{
	one->start_at_ns = 0;
	if (script_spawn(s, one)) {
		log_error("script %s: %s", one->file, error_text());
		one->deaths++;
		one->start_at_ns = clock_monotonic_ns() + backoff(one);
		return;
	}
	log_debug("script %s runs (process %d)", one->file, one->pid);
}

static void on_timer(struct scripts *s)
{
	u64 now = clock_monotonic_ns(), ticks;

	if (read(s->timer, &ticks, sizeof(ticks)) < 0)
		return;
	if (s->rescan_at_ns && s->rescan_at_ns <= now)
		scripts_rescan(s);
	for (size_t i = 0; i < s->count; i++) {
		struct script *one = s->all[i];

		if (one->pid && one->kill_at_ns && one->kill_at_ns <= now) {
			log_error("script %s does not end and is killed", one->file);
			kill(one->pid, SIGKILL);
			one->kill_at_ns = now + END_NS;
		}
		if (!one->pid && one->start_at_ns && one->start_at_ns <= now && !s->stopping)
			start(s, one);
	}
	set_timer(s);
}

/* It has ended: unasked, by itself, or because its file changed. */
static void ended(struct scripts *s, struct script *one, int status)
{
	u64 now = clock_monotonic_ns(), lived = now - one->started_ns;
	bool asked = one->kill_at_ns || s->stopping;
	_cleanup_buf_ struct buf why = {};

	script_read_messages(one);
	script_close_messages(one);
	one->pid = 0;
	one->kill_at_ns = 0;
	if (asked)
		return;
	*one->error = '\0';
	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		log_info("script %s has ended by itself; it runs again when its file changes",
			 one->file);
		return;
	}
	one->deaths = lived > LONG_LIFE_NS ? 1 : one->deaths + 1;
	one->restarts++;
	one->start_at_ns = now + backoff(one);
	if (WIFSIGNALED(status))
		buf_printf(&why, "was ended by signal %d (%s)", WTERMSIG(status),
			   strsignal(WTERMSIG(status)));
	else
		buf_printf(&why, "ended with status %d", WEXITSTATUS(status));
	if (*one->said)
		snprintf(one->error, sizeof(one->error), "%s", one->said);
	else
		snprintf(one->error, sizeof(one->error), "it %s", buf_str(&why));
	log_line(one->deaths <= 3 ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG,
		 "script %s %s; it is started again in %llu ms", one->file, buf_str(&why),
		 (unsigned long long)(backoff(one) / NSEC_PER_MSEC));
}

void scripts_reap(struct scripts *s)
{
	int status;

	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		struct script *one = s->all[i];

		if (one->pid && waitpid(one->pid, &status, WNOHANG) == one->pid)
			ended(s, one, status);
	}
	apply(s);
	set_timer(s);
}

void scripts_handle(struct scripts *s)
{
	char events[4096] __attribute__((aligned(8)));
	struct epoll_event ready[SCRIPTS_MAX + 2];
	int n = epoll_wait(s->epoll, ready, ARRAY_SIZE(ready), 0);
	bool timer = false;

	for (int i = 0; i < n; i++) {
		if (ready[i].data.u64 == SCRIPTS_TIMER) {
			timer = true; /* last: it may forget scripts */
		} else if (ready[i].data.u64 == SCRIPTS_INOTIFY) {
			while (read(s->inotify, events, sizeof(events)) > 0)
				;
			s->rescan_at_ns = clock_monotonic_ns() + SETTLE_NS;
			set_timer(s);
		} else {
			script_read_messages(ready[i].data.ptr);
		}
	}
	if (timer)
		on_timer(s);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* `saker` beside this program, or where `./dev install` puts it. */
static char *find_saker(void)
{
	static const char *const places[] = { "%s/saker", "%s/../../bin/saker" };
	char folder[4096];
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	char *path = NULL, *slash;

	folder[MAX(n, 0)] = '\0';
	slash = strrchr(folder, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		free(path);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (asprintf(&path, places[i], folder) < 0)
			return NULL;
#pragma GCC diagnostic pop
		if (!access(path, X_OK))
			break;
	}
	return path;
}

static int watch(struct scripts *s)
{
	struct epoll_event changes = { .events = EPOLLIN, .data.u64 = SCRIPTS_INOTIFY },
			   timer = { .events = EPOLLIN, .data.u64 = SCRIPTS_TIMER };

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll < 0 || s->inotify < 0 || s->timer < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->inotify, &changes) ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->timer, &timer))
		return fail_errno(-errno, "%s cannot be watched", s->folder);
	return 0;
}

int scripts_new(const char *folder, const char *socket, const char *saker, struct scripts **ret)
{
	struct scripts *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail(-ENOMEM, "out of memory");
	s->folder = strdup(folder);
	snprintf(s->socket, sizeof(s->socket), "%s", socket);
	s->saker = saker ? strdup(saker) : find_saker();
	s->epoll = s->inotify = s->timer = -1;
	err = s->saker && s->folder ? watch(s) : fail(-ENOMEM, "out of memory");
	if (err) {
		scripts_free(s);
		return err;
	}
	/* The first look is the timer's: the worker starts meanwhile. */
	s->rescan_at_ns = clock_monotonic_ns() + 1;
	set_timer(s);
	*ret = s;
	return 0;
}

int scripts_fd(const struct scripts *s)
{
	return s ? s->epoll : -1;
}

void scripts_stop(struct scripts *s)
{
	if (!s || s->stopping)
		return;
	s->stopping = true;
	for (size_t i = 0; i < s->count; i++)
		ask_to_end(s->all[i]);
	set_timer(s);
}

size_t scripts_running(const struct scripts *s)
{
	size_t n = 0;

	for (size_t i = 0; s && i < s->count; i++)
		n += s->all[i]->pid != 0;
	return n;
}

static void describe(const struct script *one, bool error, struct buf *b)
{
	buf_add_str(b, "{\"file\":");
	text_add_json(b, one->file, strlen(one->file));
	buf_printf(b, ",\"name\":\"%s\",\"running\":%s,\"restarts\":%u", one->name,
		   one->pid ? "true" : "false", one->restarts);
	if (one->pid)
		buf_printf(b, ",\"pid\":%d", one->pid);
	if (error && !one->pid && *one->error) {
		buf_add_str(b, ",\"error\":");
		text_add_json(b, one->error, strlen(one->error));
	}
	buf_add_char(b, '}');
}

int scripts_describe(const struct scripts *s, size_t i, char *text, size_t max)
{
	_cleanup_buf_ struct buf b = {};

	if (!s || i >= s->count)
		return fail(-ENOENT, "there is no script %zu", i);
	describe(s->all[i], true, &b);
	if (b.len >= max) { /* all of it escaped: the log has the error too */
		buf_clear(&b);
		describe(s->all[i], false, &b);
	}
	if (b.error || b.len >= max)
		return fail(-E2BIG, "script %s has too long a name", s->all[i]->name);
	memcpy(text, b.data, b.len + 1);
	return 0;
}

struct scripts *scripts_abandon(struct scripts *s)
{
	if (!s)
		return NULL;
	/* The epoll is shared with the broker: nothing is taken out of it. */
	for (size_t i = 0; i < s->count; i++) {
		close_fd(&s->all[i]->messages);
		s->all[i]->messages = -1;
		s->all[i]->pid = 0;
	}
	return scripts_free(s);
}

struct scripts *scripts_free(struct scripts *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->count; i++) {
		if (!s->all[i]->pid)
			continue;
		kill(s->all[i]->pid, SIGKILL);
		waitpid(s->all[i]->pid, NULL, 0);
	}
	while (s->count)
		forget(s, s->count - 1);
	close_fd(&s->epoll);
	close_fd(&s->inotify);
	close_fd(&s->timer);
	free(s->folder);
	free(s->saker);
	free(s);
	return NULL;
}
