// SPDX-License-Identifier: Apache-2.0
/*
 * The table of settings and what follows from it: defaults, reading, printing. A setting is added
 * by one row here and one member in config.h.
 */
#include "agent/config_internal.h"

const char *const ring_class_names[CONFIG_RINGS] = { "process", "network", "block", "file" };

#define AT(member) offsetof(struct config, member)

/* Most settings take any value of their type. */
#define ANY 0, UINT64_MAX
#define YEAR (366 * 86400 * NSEC_PER_SEC)

const struct setting settings[] = {
	{ "store.enabled", SETTING_BOOL, AT(store_enabled), "true", "keep records on disk", ANY,
	  SETTING_FIXED },
	{ "store.path", SETTING_TEXT, AT(store_path), "/var/lib/saker",
	  "folder of the store, mode 0700", ANY, SETTING_FIXED },
	{ "store.partition", SETTING_DURATION, AT(store_partition_ns), "1h",
	  "time that one partition file covers", NSEC_PER_SEC, YEAR, 0 },
	{ "store.max_age", SETTING_DURATION, AT(store_max_age_ns), "7d",
	  "older partitions are deleted (0: never)", 0, 100 * YEAR, 0 },
	{ "store.max_size", SETTING_SIZE, AT(store_max_bytes), "1G",
	  "the oldest partitions go when it is larger (0: never)", ANY, 0 },
	{ "store.flush", SETTING_DURATION, AT(store_flush_ns), "1s",
	  "records wait at most this long for the disk", 10 * NSEC_PER_MSEC, 60 * NSEC_PER_SEC, 0 },
	{ "store.mask_secrets", SETTING_BOOL, AT(store_mask_secrets), "true",
	  "passwords and tokens in arguments become ***", ANY, 0 },
	{ "store.columns", SETTING_LIST, AT(store_columns),
	  "container.name container.id pod.name unit user", "computed columns that are stored too",
	  ANY, 0 },
	{ "http.enabled", SETTING_BOOL, AT(http_enabled), "true",
	  "serve /metrics, /api/v1 and the live stream", ANY, SETTING_FIXED },
	{ "http.address", SETTING_TEXT, AT(http_address), "127.0.0.1", "address to listen on", ANY,
	  SETTING_FIXED },
	{ "http.port", SETTING_NUMBER, AT(http_port), "9753", "TCP port to listen on (0: any)", 0,
	  65535, SETTING_FIXED },
	{ "http.clients", SETTING_NUMBER, AT(http_clients), "64", "connections at a time", 1, 1000,
	  SETTING_FIXED },
	{ "http.query_timeout", SETTING_DURATION, AT(query_timeout_ns), "30s",
	  "a query over HTTP is ended after this", NSEC_PER_MSEC, 3600 * NSEC_PER_SEC,
	  SETTING_FIXED },
	{ "scripts.folder", SETTING_TEXT, AT(scripts_folder), CONFIG_SCRIPTS,
	  "every *.bt in it runs permanently (\"\": none does)", ANY, SETTING_FIXED },
	{ "scripts.socket", SETTING_TEXT, AT(scripts_socket), WIRE_PATH,
	  "where saker run --export finds the agent (\"\": nowhere)", ANY, SETTING_FIXED },
	{ "scripts.budget", SETTING_NUMBER, AT(scripts_budget), "2000",
	  "records of one script stored a second at most (0: no limit)", ANY, 0 },
	{ "worker.user", SETTING_TEXT, AT(user), "saker",
	  "the worker runs as this user, without capabilities", ANY, SETTING_FIXED },
	{ "worker.interval", SETTING_DURATION, AT(interval_ns), "10s",
	  "how often tables and histograms are read", 100 * NSEC_PER_MSEC, 3600 * NSEC_PER_SEC, 0 },
	{ "worker.processes", SETTING_NUMBER, AT(processes), "16384",
	  "processes remembered at most", 64, 1 << 22, SETTING_FIXED },
	{ "worker.summary", SETTING_BOOL, AT(summary), "true",
	  "show a live summary when started on a terminal", ANY, SETTING_FIXED },
	{ "rings.process", SETTING_SIZE, AT(ring_bytes[RING_PROCESS]), "1M",
	  "ring of the process gadgets", 4096, 256 << 20, SETTING_FIXED | SETTING_POWER },
	{ "rings.network", SETTING_SIZE, AT(ring_bytes[RING_NETWORK]), "1M",
	  "ring of the network gadgets", 4096, 256 << 20, SETTING_FIXED | SETTING_POWER },
	{ "rings.block", SETTING_SIZE, AT(ring_bytes[RING_BLOCK]), "1M", "ring of the disk gadgets",
	  4096, 256 << 20, SETTING_FIXED | SETTING_POWER },
	{ "rings.file", SETTING_SIZE, AT(ring_bytes[RING_FILE]), "4M", "ring of the file gadgets",
	  4096, 256 << 20, SETTING_FIXED | SETTING_POWER },
};
const size_t setting_count = ARRAY_SIZE(settings);

/* What runs by default: cheap, and what one wants to have had on when something went wrong. */
static const struct {
	const char *name;
	enum ring_class ring;
	u64 budget;
} default_gadgets[] = {
	{ "execsnoop", RING_PROCESS, 5000 }, { "exitsnoop", RING_PROCESS, 5000 },
	{ "oomkill", RING_PROCESS, 0 },	     { "killsnoop", RING_PROCESS, 1000 },
	{ "mountsnoop", RING_PROCESS, 100 }, { "tcpconnect", RING_NETWORK, 2000 },
	{ "tcplife", RING_NETWORK, 2000 },   { "biosnoop", RING_BLOCK, 2000 },
	{ "biolatency", RING_BLOCK, 0 },     { "runqlat", RING_PROCESS, 0 },
	{ "opensnoop", RING_FILE, 2000 },
};

void config_list_free(char **list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
}

struct config *config_free(struct config *c)
{
	if (!c)
		return NULL;
	config_list_free(c->store_columns, c->store_column_count);
	free(c->store_path);
	free(c->http_address);
	free(c->scripts_folder);
	free(c->scripts_socket);
	free(c->user);
	for (size_t i = 0; i < c->gadget_count; i++) {
		free(c->gadgets[i].name);
		free(c->gadgets[i].where);
		free(c->gadgets[i].parameters);
	}
	free(c->gadgets);
	free(c);
	return NULL;
}

void config_freep(struct config **c)
{
	*c = config_free(*c);
}

struct config_gadget *config_gadget_add(struct config *c, const char *name)
{
	struct config_gadget *g;

	for (size_t i = 0; i < c->gadget_count; i++) {
		if (!strcmp(c->gadgets[i].name, name))
			return &c->gadgets[i];
	}
	if (grow(&c->gadgets, &c->gadget_capacity, c->gadget_count + 1, sizeof(*g)))
		return NULL;
	g = &c->gadgets[c->gadget_count];
	/* Who is not known to be rare goes with the loud ones. */
	*g = (struct config_gadget){ .name = strdup(name),
				     .where = strdup(""),
				     .store = true,
				     .enabled = true,
				     .ring = RING_FILE,
				     .budget = 2000 };
	if (!g->name || !g->where) {
		free(g->name);
		free(g->where);
		fail(-ENOMEM, "out of memory");
		return NULL;
	}
	c->gadget_count++;
	return g;
}

static int set_list(struct config *c, const char *words)
{
	_cleanup_free_ char *copy = strdup(words);
	char *next = copy, *word;

	config_list_free(c->store_columns, c->store_column_count);
	c->store_columns = NULL;
	c->store_column_count = 0;
	while (copy && (word = strsep(&next, " "))) {
		int err = config_list_add(c, word);

		if (err)
			return err;
	}
	return copy ? 0 : fail(-ENOMEM, "out of memory");
}

int config_list_add(struct config *c, const char *word)
{
	char **bigger = realloc(c->store_columns, (c->store_column_count + 1) * sizeof(*bigger));

	if (!bigger)
		return fail(-ENOMEM, "out of memory");
	c->store_columns = bigger;
	bigger[c->store_column_count] = strdup(word);
	if (!bigger[c->store_column_count])
		return fail(-ENOMEM, "out of memory");
	c->store_column_count++;
	return 0;
}

static void add_exact_duration(struct buf *b, u64 ns)
{
	static const struct {
		const char *name;
		u64 ns;
	} units[] = { { "d", 86400 * NSEC_PER_SEC }, { "h", 3600 * NSEC_PER_SEC },
		      { "min", 60 * NSEC_PER_SEC },  { "s", NSEC_PER_SEC },
		      { "ms", NSEC_PER_MSEC },	     { "us", NSEC_PER_USEC } };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (ns && ns % units[i].ns == 0) {
			buf_printf(b, "%llu%s", (unsigned long long)(ns / units[i].ns),
				   units[i].name);
			return;
		}
	}
	buf_printf(b, "%lluns", (unsigned long long)ns);
}

static void add_exact_size(struct buf *b, u64 bytes)
{
	static const char letters[] = "GMK";

	for (unsigned i = 0; i < 3; i++) {
		u64 unit = 1ULL << (10 * (3 - i));

		if (bytes && bytes % unit == 0) {
			buf_printf(b, "%llu%c", (unsigned long long)(bytes / unit), letters[i]);
			return;
		}
	}
	buf_add_u64(b, bytes);
}

static void add_number(struct buf *b, const struct setting *s, u64 number)
{
	if (s->type == SETTING_DURATION)
		add_exact_duration(b, number);
	else if (s->type == SETTING_SIZE)
		add_exact_size(b, number);
	else
		buf_add_u64(b, number);
}

static int out_of_range(const struct setting *s)
{
	_cleanup_buf_ struct buf b = {};

	buf_printf(&b, "%s takes %s", s->name,
		   s->flags & SETTING_POWER ? "a power of two from " : "");
	add_number(&b, s, s->min);
	buf_add_str(&b, " to ");
	add_number(&b, s, s->max);
	return fail(-ERANGE, "%s", buf_str(&b));
}

int setting_set(struct config *c, const struct setting *s, const char *text)
{
	void *at = (char *)c + s->offset;
	char *copy;
	u64 number;
	int err;

	switch (s->type) {
	case SETTING_BOOL:
		if (strcmp(text, "true") && strcmp(text, "false"))
			return fail(-EINVAL, "%s takes true or false, not '%s'", s->name, text);
		*(bool *)at = !strcmp(text, "true");
		return 0;
	case SETTING_TEXT:
		copy = strdup(text);
		if (!copy)
			return fail(-ENOMEM, "out of memory");
		free(*(char **)at);
		*(char **)at = copy;
		return 0;
	case SETTING_LIST:
		return set_list(c, text);
	case SETTING_NUMBER:
		err = parse_u64(text, &number);
		break;
	case SETTING_SIZE:
		err = parse_size(text, &number);
		break;
	default:
		err = parse_duration(text, &number);
	}
	if (err)
		return fail_in(err, "%s", s->name);
	if (number < s->min || number > s->max ||
	    ((s->flags & SETTING_POWER) && (number & (number - 1))))
		return out_of_range(s);
	*(u64 *)at = number;
	return 0;
}

struct config *config_new(void)
{
	struct config *c = calloc(1, sizeof(*c));

	for (size_t i = 0; c && i < setting_count; i++) {
		if (setting_set(c, &settings[i], settings[i].value))
			return config_free(c);
	}
	for (size_t i = 0; c && i < ARRAY_SIZE(default_gadgets); i++) {
		struct config_gadget *g = config_gadget_add(c, default_gadgets[i].name);

		if (!g)
			return config_free(c);
		g->ring = default_gadgets[i].ring;
		g->budget = default_gadgets[i].budget;
	}
	return c;
}

/* ---- printing -------------------------------------------------------------------------------- */

/* What YAML takes only escaped, at @p: its number, and its length in @ret_len; 0: nothing such. */
static u32 unprintable(const u8 *p, size_t *ret_len)
{
	*ret_len = 1;
	if (*p < 0x20 || *p == 0x7f)
		return *p;
	*ret_len = 2;
	if (*p == 0xc2 && p[1] < 0xa0) /* C1 controls */
		return p[1];
	*ret_len = 3;
	if (*p == 0xef && p[1] == 0xbf && p[2] >= 0xbe) /* U+FFFE, U+FFFF */
		return 0xff00u | (p[2] == 0xbe ? 0xfe : 0xff);
	*ret_len = 1;
	return 0;
}

/* @text is UTF-8: libyaml gives nothing else. */
static void add_quoted(struct buf *b, const char *text)
{
	size_t len;

	buf_add_char(b, '"');
	for (const u8 *p = (const u8 *)text; *p; p += len) {
		u32 code = unprintable(p, &len);

		if (code)
			buf_printf(b, "\\u%04x", code);
		else if (*p == '"' || *p == '\\')
			buf_printf(b, "\\%c", *p);
		else
			buf_add_char(b, (char)*p);
	}
	buf_add_char(b, '"');
}

/* As people write it, where YAML cannot take it for something else (true, 1, no). */
static void add_name(struct buf *b, const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t len = strlen(name);

	if (len > 5 && strspn(name, letters) == len)
		buf_add_str(b, name);
	else
		add_quoted(b, name);
}

static void print_value(const struct config *c, const struct setting *s, struct buf *b)
{
	const void *at = (const char *)c + s->offset;

	switch (s->type) {
	case SETTING_BOOL:
		buf_add_str(b, *(const bool *)at ? "true" : "false");
		break;
	case SETTING_TEXT:
		add_quoted(b, *(char *const *)at);
		break;
	case SETTING_LIST:
		buf_add_char(b, '[');
		for (size_t i = 0; i < c->store_column_count; i++) {
			buf_add_str(b, i ? ", " : "");
			add_quoted(b, c->store_columns[i]);
		}
		buf_add_char(b, ']');
		break;
	default:
		add_number(b, s, *(const u64 *)at);
	}
}

void config_fixed_changes(const struct config *now, const struct config *next, struct buf *b)
{
	for (size_t i = 0; i < setting_count; i++) {
		_cleanup_buf_ struct buf x = {}, y = {};

		if (!(settings[i].flags & SETTING_FIXED))
			continue;
		print_value(now, &settings[i], &x);
		print_value(next, &settings[i], &y);
		if (strcmp(buf_str(&x), buf_str(&y)))
			buf_printf(b, "%s%s", b->len ? ", " : "", settings[i].name);
	}
}

static void print_gadget(const struct config_gadget *g, struct buf *b)
{
	const char *p = g->parameters, *end = p ? p + g->parameters_size : NULL;

	buf_add_str(b, "  ");
	add_name(b, g->name);
	buf_printf(b, ": { enabled: %s, store: %s, ring: %s, budget: %llu",
		   g->enabled ? "true" : "false", g->store ? "true" : "false",
		   ring_class_names[g->ring], (unsigned long long)g->budget);
	if (*g->where) {
		buf_add_str(b, ", where: ");
		add_quoted(b, g->where);
	}
	if (p != end)
		buf_add_str(b, ", parameters: { ");
	for (bool first = true; p < end; p += strlen(p) + 1, first = false) {
		_cleanup_free_ char *word = strdup(p);
		char *equals = word ? strchr(word, '=') : NULL;

		if (!equals)
			continue;
		*equals = '\0';
		buf_add_str(b, first ? "" : ", ");
		add_name(b, word);
		buf_add_str(b, ": ");
		add_quoted(b, equals + 1);
	}
	buf_add_str(b, g->parameters_size ? " } }\n" : " }\n");
}

void config_print(const struct config *c, struct buf *b)
{
	const char *section = "";
	size_t section_len = 0;

	buf_add_str(
		b, "# Saker's agent: every setting, as it is now. SIGHUP or saving it reloads it;\n"
		   "# what says (restart) takes effect with the next start.\n");
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &settings[i];
		size_t len = (size_t)(strchr(s->name, '.') - s->name);
		size_t start;

		if (len != section_len || memcmp(s->name, section, len)) {
			buf_printf(b, "%.*s:\n", (int)len, s->name);
			section = s->name;
			section_len = len;
		}
		start = b->len;
		buf_printf(b, "  %s: ", s->name + len + 1);
		print_value(c, s, b);
		buf_add_fill(b, ' ', b->len - start < 36 ? 36 - (b->len - start) : 1);
		buf_printf(b, "# %s%s\n", s->help, s->flags & SETTING_FIXED ? " (restart)" : "");
	}
	buf_add_str(
		b,
		"# enabled; store: keep its records; ring: process, network, block or file;\n"
		"# budget: records stored a second at most (0: no limit); where: a filter,\n"
		"# as in --where; parameters: { name: value }, as in --help. See: saker list.\n");
	buf_add_str(b, "gadgets:\n");
	for (size_t i = 0; i < c->gadget_count; i++)
		print_gadget(&c->gadgets[i], b);
	if (!c->gadget_count)
		buf_add_str(b, "  {}\n");
}
