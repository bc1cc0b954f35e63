// SPDX-License-Identifier: Apache-2.0
/* Rows of text with aligned columns, and JSON by hand. */
#include "cli/grid.h"

#include <getopt.h>
#include <sys/ioctl.h>

#define GAP 2

unsigned terminal_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

bool terminal_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

int cli_option_error(int c, char **argv, const char *command)
{
	char letter[3] = { '-', (char)optopt, '\0' };
	/* a long option has no letter, or (a value missing) the one it stands for */
	const char *word = argv[optind - 1];
	const char *name = optopt && strncmp(word, "--", 2) ? letter : word;

	if (c == ':')
		return fail(-EINVAL, "%s needs a value", name);
	return fail(-EINVAL, "unknown option '%s'; see saker %s --help", name, command);
}

void grid_free(struct grid *g)
{
	buf_free(&g->text);
	free(g->cells);
	*g = (struct grid){ 0 };
}

static void begin_cell(struct grid *g)
{
	if (!g->error)
		g->error = grow(&g->cells, &g->cell_capacity, g->cell_count + 1, sizeof(*g->cells));
	if (!g->error)
		g->cells[g->cell_count++] = g->text.len;
}

void grid_cell_safe(struct grid *g, const char *text)
{
	begin_cell(g);
	text_add_safe(&g->text, text, strlen(text));
	buf_add_char(&g->text, '\0');
}

void grid_cell(struct grid *g, const char *fmt, ...)
{
	va_list args;

	begin_cell(g);
	va_start(args, fmt);
	buf_vprintf(&g->text, fmt, args);
	va_end(args);
	buf_add_char(&g->text, '\0');
}

static const char *cell_at(const struct grid *g, size_t i)
{
	return g->text.data + g->cells[i];
}

/* Bytes of @text that fit @width columns. */
static size_t fitting(const char *text, size_t width)
{
	size_t n = strlen(text);

	while (n && text_width(text, n) > width)
		do
			n--;
		while (n && ((u8)text[n] & 0xc0) == 0x80);
	return n;
}

static void add_cell(const struct grid *g, size_t column, const char *text, size_t width,
		     size_t room, struct buf *line)
{
	bool last = column + 1 == g->column_count;
	size_t len = last && room ? fitting(text, room) : strlen(text),
	       used = text_width(text, len);

	if (g->columns[column].right && used < width)
		buf_add_fill(line, ' ', width - used);
	buf_add(line, text, len);
	if (!g->columns[column].right && !last && used < width)
		buf_add_fill(line, ' ', width - used);
	if (!last)
		buf_add_fill(line, ' ', GAP);
}

int grid_print(struct grid *g, unsigned width, FILE *out)
{
	size_t rows, widths[GRID_COLUMNS] = { 0 }, before = 0;
	_cleanup_buf_ struct buf line = { 0 };

	if (g->error || g->text.error)
		return fail(-ENOMEM, "out of memory");
	rows = g->cell_count / g->column_count;
	for (size_t c = 0; c < g->column_count; c++) {
		widths[c] = strlen(g->columns[c].title);
		for (size_t r = 0; r < rows; r++) {
			const char *text = cell_at(g, r * g->column_count + c);

			widths[c] = MAX(widths[c], text_width(text, strlen(text)));
		}
		if (c + 1 < g->column_count)
			before += widths[c] + GAP;
	}
	for (size_t r = 0; r <= rows; r++) {
		for (size_t c = 0; c < g->column_count; c++)
			add_cell(g, c,
				 r ? cell_at(g, (r - 1) * g->column_count + c)
				   : g->columns[c].title,
				 widths[c], width > before + 8 ? width - before : 0, &line);
		while (line.len && line.data[line.len - 1] == ' ')
			line.data[--line.len] = '\0';
		buf_add_char(&line, '\n');
	}
	fwrite(buf_str(&line), 1, line.len, out);
	return line.error;
}

static void json_key(struct buf *b, const char *key)
{
	char before = b->len ? b->data[b->len - 1] : '{';

	if (before != '{' && before != '[' && before != '\n')
		buf_add_char(b, ',');
	if (key) {
		text_add_json(b, key, strlen(key));
		buf_add_char(b, ':');
	}
}

void json_open(struct buf *b, const char *key, char bracket)
{
	json_key(b, key);
	buf_add_char(b, bracket);
}

void json_close(struct buf *b, char bracket)
{
	buf_add_char(b, bracket);
}

void json_text(struct buf *b, const char *key, const char *text)
{
	json_key(b, key);
	if (text)
		text_add_json(b, text, strlen(text));
	else
		buf_add_str(b, "null");
}

void json_number(struct buf *b, const char *key, u64 n)
{
	json_key(b, key);
	buf_add_u64(b, n);
}

void json_bool(struct buf *b, const char *key, bool v)
{
	json_key(b, key);
	buf_add_str(b, v ? "true" : "false");
}
