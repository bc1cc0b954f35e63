// SPDX-License-Identifier: Apache-2.0
/*
 * The command of -c: forked at once, so that its pid is known and its program can be looked into,
 * but held at a gate (a pipe) right before its exec until everything is attached. And the shell for
 * system().
 */
#include "cli/script/script.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define WORDS_MAX 256

/* bpftrace cuts at every blank, knows no quotes and keeps empty words. */
static char *next_piece(char **at)
{
	char *word = *at, *end;

	if (!word)
		return NULL;
	end = strchr(word, ' ');
	if (end)
		*end++ = '\0';
	*at = end;
	return word;
}

/* One word of a simple command, quotes and backslashes resolved in place; NULL: no more. */
static char *next_word(char **at)
{
	char *from = *at, *to, *word, quote = 0;

	while (*from == ' ' || *from == '\t' || *from == '\n')
		from++;
	if (!*from)
		return NULL;
	word = to = from;
	for (; *from && (quote || (*from != ' ' && *from != '\t' && *from != '\n')); from++) {
		if (quote ? *from == quote : (*from == '\'' || *from == '"'))
			quote = quote ? 0 : *from;
		else if (*from == '\\' && quote != '\'' && from[1])
			*to++ = *++from;
		else
			*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

/* In PATH, as execvp() would find it: the script may name its functions. */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *found = NULL;

	if (strchr(name, '/'))
		return access(name, X_OK) ? NULL : realpath(name, NULL);
	for (path = path ? path : "/usr/bin:/bin"; *path && !found;) {
		size_t len = strcspn(path, ":");
		_cleanup_free_ char *full = NULL;

		if (asprintf(&full, "%.*s/%s", (int)len, path, name) < 0)
			return NULL;
		if (!access(full, X_OK))
			found = realpath(full, NULL);
		path += len + (path[len] == ':');
	}
	return found;
}

static void run_child(int gate, char **words, const char *as)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* Until its exec it bears the tracer's name, as it would under bpftrace. */
	prctl(PR_SET_NAME, as);
	if (read(gate, &byte, 1) != 1)
		_exit(0);
	execvp(words[0], words);
	fprintf(stderr, "ERROR: failed to execute %s: %s\n", words[0], strerror(errno));
	_exit(127);
}

int script_child_start(struct script_child *c, const char *command, const char *as)
{
	_cleanup_free_ char *copy = strdup(command);
	char *words[WORDS_MAX + 1], *at = copy;
	size_t count = 0;
	int gate[2];

	if (!copy)
		return fail(-ENOMEM, "out of memory");
	while (count < WORDS_MAX &&
	       (words[count] = strcmp(as, "bpftrace") ? next_word(&at) : next_piece(&at)))
		count++;
	words[count] = NULL;
	if (!count || !*words[0])
		return fail(-EINVAL, "-c: an empty command");
	c->path = find_program(words[0]);
	if (!c->path)
		return fail(-ENOENT, "path '%s' does not exist or is not executable", words[0]);
	if (pipe2(gate, O_CLOEXEC))
		return fail_errno(-errno, "cannot make a pipe");
	/*
	 * Without fork()'s handlers: libuv's writes to a pipe, perhaps only when all is attached.
	 */
	c->pid = _Fork();
	if (!c->pid) {
		close(gate[1]);
		run_child(gate[0], words, as);
	}
	close(gate[0]);
	c->gate = gate[1];
	return c->pid < 0 ? fail_errno(-errno, "cannot start %s", words[0]) : 0;
}

void script_child_release(struct script_child *c)
{
	if (c->gate >= 0 && write(c->gate, "g", 1) != 1)
		log_debug("the command is gone before it began");
	close_fd(&c->gate);
	c->gate = -1;
}

void script_child_stop(struct script_child *c)
{
	close_fd(&c->gate);
	c->gate = -1;
	if (c->pid > 0 && !c->ended) {
		kill(c->pid, SIGTERM);
		waitpid(c->pid, &c->status, 0);
	}
	free(c->path);
	c->path = NULL;
}

int script_shell(void *context UNUSED, const char *command, struct buf *b)
{
	FILE *pipe;
	_cleanup_free_ char *both = NULL;
	char chunk[4096];
	size_t n;
	int status;

	if (asprintf(&both, "{ %s\n} 2>&1", command) < 0)
		return fail(-ENOMEM, "out of memory");
	fflush(stdout);
	pipe = popen(both, "re");
	if (!pipe)
		return fail_errno(-errno, "cannot run a shell");
	while ((n = fread(chunk, 1, sizeof(chunk), pipe)))
		buf_add(b, chunk, n);
	status = pclose(pipe);
	if (status > 0 && WIFEXITED(status) && WEXITSTATUS(status))
		return fail(-EOPNOTSUPP, "command exited with code %d", WEXITSTATUS(status));
	return 0;
}
