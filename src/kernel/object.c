// SPDX-License-Identifier: Apache-2.0
/*
 * Open and load. libbpf does the work; this file keeps it quiet (what it says is caught per thread
 * and becomes one error text), spares it the kernel's whole BTF, blocks signals while programs are
 * verified, and goes to the next alternative when this kernel refuses one.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "kernel/minimal_btf.h"
#include "kernel/object_internal.h"
#include "kernel/verifier.h"

#define LOG_LIMIT (16u << 20) /* libbpf's own limit of a verifier log */

static __thread struct object *listening;

static int on_libbpf_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	if (listening && level == LIBBPF_WARN && listening->log.len < LOG_LIMIT)
		buf_vprintf(&listening->log, fmt, args);
	return 0;
}

void object_listen(struct object *o)
{
	buf_clear(&o->log);
	listening = o;
}

void object_unlisten(void)
{
	listening = NULL;
}

const char *object_complaint(const struct object *o, char *room, size_t size)
{
	const char *line = buf_str(&o->log);

	if (str_starts(line, "libbpf: "))
		line += strlen("libbpf: ");
	if (str_starts(line, "prog '") && strstr(line, "': "))
		line = strstr(line, "': ") + strlen("': ");
	if (!*line)
		return NULL;
	snprintf(room, size, "%.*s", (int)strcspn(line, "\n"), line);
	return room;
}

/* Once per process: libbpf's print function and section handlers are its globals. */
static void set_up_libbpf(void)
{
	libbpf_set_print(on_libbpf_print);
	sections_register(); /* without them libbpf does the same, only slower */
}

static int list_programs(struct object *o)
{
	struct bpf_program *p;
	size_t count = 0;

	bpf_object__for_each_program(p, o->bpf)
		count++;
	if (!o->programs) /* opened again, the same bytes give the same programs */
		o->programs = calloc(count ? count : 1, sizeof(*o->programs));
	if (!o->programs)
		return fail(-ENOMEM, "out of memory");
	o->program_count = count;
	count = 0;
	bpf_object__for_each_program(p, o->bpf)
		o->programs[count++].bpf = p;
	return 0;
}

/*
 * A file without a name, whose path libbpf is told now and which is filled right before it is read.
 */
static int make_btf_file(struct object *o, char *path, size_t size)
{
	if (o->whole_btf || !extension_has_relocations(&o->extension) ||
	    extension_needs_full_btf(&o->extension))
		return 0;
	if (o->btf_fd < 0) {
		o->btf_fd = memfd_create("saker-btf", MFD_CLOEXEC | 8 /* MFD_NOEXEC_SEAL, 6.3 */);
		if (o->btf_fd < 0)
			o->btf_fd = memfd_create("saker-btf", MFD_CLOEXEC);
		if (o->btf_fd < 0)
			return fail_errno(-errno, "no file in memory for the kernel's BTF");
	}
	snprintf(path, size, "/proc/self/fd/%d", o->btf_fd);
	return 0;
}

/* Opens the bytes, for the first time or again: sets bpf and every program's. */
static int open_bytes(struct object *o)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = o->name);
	char path[64] = "", room[300];
	int err = make_btf_file(o, path, sizeof(path));

	if (err)
		return err;
	if (path[0])
		opts.btf_custom_path = path;
	object_listen(o);
	o->bpf = bpf_object__open_mem(o->bytes, o->size, &opts);
	err = -errno;
	object_unlisten();
	if (o->bpf)
		return list_programs(o);
	if (object_complaint(o, room, sizeof(room)))
		return fail(err, "%s cannot be opened as a BPF object: %s", o->name, room);
	return fail_errno(err, "%s cannot be opened as a BPF object", o->name);
}

int object_open(const char *name, const void *bytes, size_t size, struct object **ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	_cleanup_(object_freep) struct object *o = calloc(1, sizeof(*o));
	int err;

	pthread_once(&once, set_up_libbpf);
	if (!o)
		return fail(-ENOMEM, "out of memory");
	o->btf_fd = -1;
	o->name = strdup(name);
	o->bytes = malloc(size ? size : 1);
	if (!o->name || !o->bytes)
		return fail(-ENOMEM, "out of memory");
	o->size = size;
	memcpy(o->bytes, bytes, size);
	extension_read(o->bytes, size, &o->extension);
	err = open_bytes(o);
	if (err)
		return err;
	*ret = TAKE_PTR(o);
	return 0;
}

static bool asks_kernel_btf(const struct object *o)
{
	for (size_t i = 0; i < o->program_count; i++) {
		enum section_sort sort = section_of(o->programs[i].bpf).sort;

		if (section_has_btf_id(sort) || sort == SECTION_RAW || sort == SECTION_KPROBE)
			return true;
	}
	return o->btf_fd >= 0 && extension_needs_btf(&o->extension);
}

/* Not for an object of classic tracepoints: reading BTF would be all that it costs. */
void object_hold_btf(struct object *o)
{
	if (!o->held && asks_kernel_btf(o))
		o->held = !kernel_btf_hold();
}

static void release_btf(struct object *o)
{
	if (o->held)
		kernel_btf_release();
	o->held = false;
	close_fd(&o->btf_fd);
	o->btf_fd = -1;
}

struct object *object_free(struct object *o)
{
	if (!o)
		return NULL;
	object_detach(o);
	bpf_object__close(o->bpf);
	while (o->spent_count)
		bpf_object__close(o->spent[--o->spent_count]);
	free(o->spent);
	free(o->programs);
	release_btf(o);
	buf_free(&o->log);
	buf_free(&o->verifier_log);
	free(o->links);
	free(o->bytes);
	free(o->name);
	free(o);
	return NULL;
}

void object_freep(struct object **o)
{
	*o = object_free(*o);
}

struct bpf_object *object_bpf(const struct object *o)
{
	return o->bpf;
}

const struct btf *object_btf(const struct object *o)
{
	return bpf_object__btf(o->spent_count ? o->spent[0] : o->bpf);
}

const char *object_verifier_log(const struct object *o)
{
	return buf_str(&o->verifier_log);
}

struct program *object_program(const struct object *o, const char *name)
{
	for (size_t i = 0; i < o->program_count; i++)
		if (!strcmp(bpf_program__name(o->programs[i].bpf), name))
			return &o->programs[i];
	return NULL;
}

/* ---- load ------------------------------------------------------------------------------------ */

static int fill_btf_file(struct object *o, bool *ret_modules)
{
	_cleanup_(kernel_btf_putp) const struct kernel_btf *kernel = NULL;
	_cleanup_buf_ struct buf b = {};
	_cleanup_buf_ struct buf missing = {};
	int err = extension_needs_btf(&o->extension) ? kernel_btf_get(&kernel) : 0;

	if (!err)
		err = minimal_btf(kernel, object_btf(o), &o->extension, &b, &missing);
	*ret_modules = missing.len && kernel_btf_in_modules(missing.data, missing.len);
	if (err == -EOPNOTSUPP) { /* types of a new kind, or a question about more than we copy */
		buf_clear(&b);
		err = kernel_btf_bytes(&b);
	}
	if (err)
		return err;
	if (ftruncate(o->btf_fd, 0) || pwrite(o->btf_fd, b.data, b.len, 0) != (ssize_t)b.len)
		return fail_errno(-errno, "the kernel's BTF cannot be copied");
	return 0;
}

/* Hooks that only a module's BTF knows are libbpf's to find. */
static int find_hooks(struct object *o)
{
	for (size_t i = 0; i < o->program_count; i++) {
		struct program *p = &o->programs[i];
		struct section s = section_of(p->bpf);
		int err;

		if (!p->selected || !section_has_btf_id(s.sort) || !*s.target)
			continue;
		err = section_btf_id(&s);
		if ((err == -ENOENT || err == -EOPNOTSUPP) &&
		    !bpf_program__set_attach_target(p->bpf, 0, s.target))
			err = 0;
		if (err < 0)
			return fail_in(err, "program %s", bpf_program__name(p->bpf));
	}
	return 0;
}

/* Which program libbpf says that the kernel refused; NULL when it failed elsewhere. */
static struct program *refused(const struct object *o)
{
	const char *mark = "': BPF program load failed:";
	const char *at = strstr(buf_str(&o->log), mark);
	const char *name = at;
	char room[128];

	if (!at)
		return NULL;
	while (name > o->log.data && name[-1] != '\'')
		name--;
	snprintf(room, sizeof(room), "%.*s", (int)(at - name), name);
	return object_program(o, room);
}

static void keep_verifier_log(struct object *o)
{
	static const char begin[] = "-- BEGIN PROG LOAD LOG --\n",
			  end[] = "-- END PROG LOAD LOG --";
	const char *from = strstr(buf_str(&o->log), begin), *to;

	buf_clear(&o->verifier_log);
	if (!from)
		return;
	from += strlen(begin);
	to = strstr(from, end);
	buf_add(&o->verifier_log, from, to ? (size_t)(to - from) : strlen(from));
}

static int explain(struct object *o, int err, struct program **ret_refused)
{
	_cleanup_buf_ struct buf b = {};
	struct program *p = refused(o);
	char room[300];

	keep_verifier_log(o);
	*ret_refused = p;
	if (!p && (err == -EPERM || err == -EACCES))
		return fail(err,
			    "it cannot be loaded: this needs root, or the capabilities CAP_BPF "
			    "and CAP_PERFMON");
	if (!p && object_complaint(o, room, sizeof(room)))
		return fail(err, "it cannot be loaded: %s", room);
	if (!p)
		return fail_errno(err, "it cannot be loaded");
	verifier_explain(buf_str(&o->verifier_log), bpf_program__name(p->bpf), err,
			 &(struct source_lines){ &o->extension, object_btf(o) }, &b);
	return fail(err, "%s", buf_str(&b));
}

static int load_once(struct object *o, struct program **ret_refused)
{
	sigset_t all, before;
	int err;

	/* without a plan the caller may have changed it */
	for (size_t i = 0; i < o->program_count; i++)
		if (!o->programs[i].plan)
			o->programs[i].selected = bpf_program__autoload(o->programs[i].bpf);
	err = find_hooks(o);
	if (err)
		return err;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	object_listen(o);
	err = bpf_object__load(o->bpf);
	object_unlisten();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? explain(o, err, ret_refused) : 0;
}

/* Opens the object again, as the callers had set it. */
static int open_again(struct object *o, const struct snapshot *s)
{
	int err = grow(&o->spent, &o->spent_capacity, o->spent_count + 1,
		       sizeof(struct bpf_object *));

	if (err)
		return fail(err, "out of memory");
	o->spent[o->spent_count++] = o->bpf;
	o->bpf = NULL;
	err = open_bytes(o);
	return err ? err : snapshot_apply(s, o);
}

/*
 * Hands libbpf the kernel's types: the few that it will ask for or, if modules have some of them,
 * all.
 */
static int give_kernel_types(struct object *o)
{
	_cleanup_(snapshot_freep) struct snapshot *s = NULL;
	bool modules = false;
	int err = fill_btf_file(o, &modules);

	if (err || !modules)
		return err;
	err = snapshot_take(o, &s);
	if (err)
		return err;
	o->whole_btf = true;
	return open_again(o, s);
}

/* After a refusal: without the program that was refused. */
static int open_without(struct object *o, const struct snapshot *s, struct program *p)
{
	int err;

	p->possible = false;
	snprintf(p->plan->reason, sizeof(p->plan->reason), "%s", error_text());
	err = open_again(o, s);
	return err ? err : object_choose(o);
}

static int load_best(struct object *o)
{
	_cleanup_(snapshot_freep) struct snapshot *s = NULL;
	int err = o->btf_fd >= 0 ? give_kernel_types(o) : 0;

	for (size_t i = 0; i < o->program_count && !s && !err; i++)
		if (o->programs[i].selected && object_can_without(o, &o->programs[i]))
			err = snapshot_take(o, &s);
	while (!err) {
		struct program *p = NULL;

		err = load_once(o, &p);
		if (!err || !p)
			break;
		if (!s || !object_can_without(o, p))
			return object_none_left(o, p, err);
		err = open_without(o, s, p);
	}
	return err;
}

int object_load(struct object *o)
{
	int err;

	object_hold_btf(o);
	err = load_best(o);
	release_btf(o);
	return err;
}
