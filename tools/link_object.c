// SPDX-License-Identifier: Apache-2.0
/*
 * link_object OUT IN...: what `bpftool gen object` does, so that the build needs no bpftool. The
 * linker drops DWARF, merges equal BTF and halves the object's size.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct bpf_linker *linker;
	int err;

	if (argc < 3) {
		fprintf(stderr, "usage: %s OUT IN...\n", argv[0]);
		return 2;
	}
	linker = bpf_linker__new(argv[1], NULL);
	err = linker ? 0 : -1;
	for (int i = 2; i < argc && !err; i++)
		err = bpf_linker__add_file(linker, argv[i], NULL);
	if (!err)
		err = bpf_linker__finalize(linker);
	bpf_linker__free(linker);
	if (err)
		fprintf(stderr, "%s: cannot link: %s\n", argv[1], strerror(-err));
	return err ? 1 : 0;
}
