// SPDX-License-Identifier: Apache-2.0
/*
 * What the verifier had to walk through for each gadget, beside what it was when the table was
 * made. A gadget that grows by a quarter is near a refusal on some other kernel, so it fails here;
 * on a series that is not in the table it is only said. Kernels before 5.16 do not tell.
 */
#include "matrix.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <linux/bpf.h>

struct budget {
	const char *gadget;
	u32 instructions; /* of all its programs, on the costliest series below */
};

/* Made on 6.1, 6.12, 6.18 and 7.2 with clang 14; see `kernel_matrix budgets`. */
static const u32 series[] = { 0x0601, 0x060c, 0x0612, 0x0702 };
static const struct budget budgets[] = {
#include "budgets.h"
};

static bool is_known_series(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(series); i++) {
		if (kernel_version() >> 8 == series[i])
			return true;
	}
	return false;
}

/* Of every program that this process holds: others may load theirs meanwhile. */
static u32 walked_instructions(void)
{
	_cleanup_buf_ struct buf text = {};
	DIR *folder = opendir("/proc/self/fdinfo");
	u32 sum = 0;

	for (struct dirent *e; folder && (e = readdir(folder));) {
		struct bpf_prog_info info = {};
		u32 size = sizeof(info);

		if (read_file_at(dirfd(folder), e->d_name, 4096, &text) ||
		    !strstr(buf_str(&text), "prog_id:") || strstr(buf_str(&text), "link_id:"))
			continue;
		if (!bpf_obj_get_info_by_fd(atoi(e->d_name), &info, &size))
			sum += info.verified_insns;
	}
	if (folder)
		closedir(folder);
	return sum;
}

static int one(const struct embedded_gadget *e)
{
	_cleanup_(gadget_freep) struct gadget *g = NULL;
	const struct budget *b = NULL;
	u32 walked;
	int err = gadget_open(e->name, &g);

	if (!err)
		err = gadget_load(g);
	if (err == -EOPNOTSUPP)
		return 0;
	if (err)
		return err;
	walked = walked_instructions();
	for (size_t i = 0; i < ARRAY_SIZE(budgets) && !b; i++)
		b = strcmp(budgets[i].gadget, e->name) ? NULL : &budgets[i];
	printf("# budget { \"%s\", %u },\n", e->name, walked);
	if (!walked || !b || walked <= b->instructions + b->instructions / 4)
		return 0;
	if (is_known_series())
		return fail(-E2BIG, "%s: the verifier walks %u instructions, %u in the table",
			    e->name, walked, b->instructions);
	printf("# warning: %s: %u instructions on a kernel that the table does not know, "
	       "%u on others\n",
	       e->name, walked, b->instructions);
	return 0;
}

int test_budgets(void)
{
	size_t count;
	const struct embedded_gadget *all = gadget_embedded(&count);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = one(&all[i]);
	return err;
}
