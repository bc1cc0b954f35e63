// SPDX-License-Identifier: Apache-2.0
/* The objects are embedded, so that the test program can run alone in a small guest. */
#include <sys/mman.h>

#include "fixture.h"

#define OBJECT(name)                                                                       \
	__asm__(".pushsection .rodata\n.balign 16\n" #name "_at:\n.incbin \"" TESTS_BUILD  \
		"/unit/kernel/" #name ".bpf.o\"\n" #name "_end:\n.byte 0\n.popsection\n"); \
	extern const char name##_at[], name##_end[];                                       \
	struct bytes name##_object(void)                                                   \
	{                                                                                  \
		return (struct bytes){ name##_at, (size_t)(name##_end - name##_at) };      \
	}

OBJECT(core)
OBJECT(refused)
OBJECT(alternatives)
OBJECT(running)

void must(int err)
{
	if (err < 0)
		fail_msg("%d: %s", err, error_text());
}

struct object *open_object(struct bytes bytes)
{
	struct object *o = NULL;

	must(object_open("test", bytes.at, bytes.size, &o));
	return o;
}

void need_bpf(void)
{
	if (geteuid()) {
		print_message("skipped: loading BPF programs needs root\n");
		skip();
	}
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		print_message("skipped: this kernel has no BTF\n");
		skip();
	}
}

struct bpf_program *program_of(const struct object *o, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(object_bpf(o), name);

	assert_non_null(p);
	return p;
}

/* Before the load libbpf's copy, afterwards the map; stays mapped. */
static void *contents(struct bpf_map *map)
{
	int fd = bpf_map__fd(map), protection = PROT_READ;
	size_t size;
	void *at;

	if (fd < 0)
		return (void *)bpf_map__initial_value(map, &size);
	if (!(bpf_map__map_flags(map) & BPF_F_RDONLY_PROG))
		protection |= PROT_WRITE;
	at = mmap(NULL, bpf_map__value_size(map), protection, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

void *variable(const struct object *o, const char *map_name, const char *name)
{
	const struct btf *btf = object_btf(o);
	struct bpf_map *map;
	int section;

	bpf_object__for_each_map(map, object_bpf(o)) {
		const char *its = bpf_map__name(map);
		const struct btf_var_secinfo *info;

		if (strlen(its) < strlen(map_name) ||
		    strcmp(its + strlen(its) - strlen(map_name), map_name))
			continue;
		section = btf__find_by_name_kind(btf, map_name, BTF_KIND_DATASEC);
		assert_true(section > 0);
		info = btf_var_secinfos(btf__type_by_id(btf, section));
		for (int i = 0; i < btf_vlen(btf__type_by_id(btf, section)); i++) {
			const struct btf_type *t = btf__type_by_id(btf, info[i].type);

			if (!strcmp(btf__name_by_offset(btf, t->name_off), name))
				return (char *)contents(map) + info[i].offset;
		}
	}
	fail_msg("there is no variable %s in %s", name, map_name);
	return NULL;
}
