#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed.sh FOLDER NAME...: an assembler file that holds FOLDER/NAME.o of every gadget and a table of them,
# in the layout of `struct embedded_gadget` (src/event/gadget.h).
folder=$1
shift
echo '	.section .rodata'
for name; do
	printf '	.balign 16\nbytes_%s:	.incbin "%s/%s.o"\nend_%s:\nname_%s:	.asciz "%s"\n' \
		"$name" "$folder" "$name" "$name" "$name" "$name"
done
echo '	.section .data.rel.ro,"aw"'
echo '	.balign 8'
echo '	.globl saker_embedded_gadgets, saker_embedded_gadget_count'
echo 'saker_embedded_gadgets:'
for name; do
	printf '	.quad name_%s, bytes_%s, end_%s - bytes_%s\n' "$name" "$name" "$name" "$name"
done
printf 'saker_embedded_gadget_count:	.quad %d\n' $#
# The headers that a gadget may include, so that `saker run FILE.bpf.c` finds them wherever the
# binary went: src/cli/compile.c.
headers=$(for header in gadgets/include/*.h; do basename "$header" .h; done)
echo '	.section .rodata'
for header in $headers; do
	printf 'header_%s:	.incbin "gadgets/include/%s.h"\nheader_end_%s:\nheader_name_%s:	.asciz "%s.h"\n' \
		"$header" "$header" "$header" "$header" "$header"
done
echo '	.section .data.rel.ro,"aw"'
echo '	.balign 8'
echo '	.globl saker_headers, saker_header_count'
echo 'saker_headers:'
count=0
for header in $headers; do
	printf '	.quad header_name_%s, header_%s, header_end_%s - header_%s\n' \
		"$header" "$header" "$header" "$header"
	count=$((count + 1))
done
printf 'saker_header_count:	.quad %d\n' "$count"
echo '	.section .note.GNU-stack,"",@progbits'
