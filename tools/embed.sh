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
# The headers a gadget includes, so that `saker run FILE.bpf.c` finds them wherever the binary went.
echo '	.section .rodata'
for header in gadget kernel; do
	printf '	.globl saker_header_%s, saker_header_%s_end\nsaker_header_%s:	.incbin "gadgets/include/%s.h"\nsaker_header_%s_end:	.byte 0\n' \
		$header $header $header $header $header
done
echo '	.section .note.GNU-stack,"",@progbits'
