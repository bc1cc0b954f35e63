// SPDX-License-Identifier: Apache-2.0
/*
 * What the verifier's messages mean, in words, with what to do. The first entry of which all parts
 * occur in the message counts, so the more special ones stand first.
 */
#include "kernel/verifier.h"

static const struct {
	const char *part, *part2; /* part2 may be NULL */
	const char *words;
} reasons[] = {
	{ "failed to resolve CO-RE relocation", NULL,
	  "this kernel has no such type or field; guard it with bpf_core_field_exists() or "
	  "bpf_core_type_exists()" },
	{ "is referenced but wasn't created", NULL, "it uses a map that was left out" },
	{ "invalid mem access", "map_value_or_null",
	  "the result of bpf_map_lookup_elem() is used without a check for NULL" },
	{ "invalid mem access", "mem_or_null",
	  "the result of bpf_ringbuf_reserve() is used without a check for NULL" },
	{ "_or_null", NULL, "a pointer that may be NULL is used without a check for NULL" },
	{ "invalid mem access", "'inv'",
	  "a number is used as a pointer; kernel memory is read with bpf_probe_read_kernel() or "
	  "BPF_CORE_READ()" },
	{ "invalid mem access", "'scalar'",
	  "a number is used as a pointer; kernel memory is read with bpf_probe_read_kernel() or "
	  "BPF_CORE_READ()" },
	{ "invalid mem access", NULL,
	  "memory is read or written through something that does not allow it" },
	{ "unbounded memory access", NULL,
	  "an index or length has no upper bound that the verifier can see; compare it with the "
	  "size of the memory right before it is used" },
	{ "unbounded min value", NULL,
	  "an index or length may be negative; make it unsigned or compare it with 0" },
	{ "min value is negative", NULL,
	  "an index or length may be negative; make it unsigned or compare it with 0" },
	{ "makes pkt pointer be out of bounds", NULL, "an offset into the packet is too large" },
	{ "pointer be out of bounds", NULL,
	  "an offset is too large for the memory it points into" },
	{ "invalid access to map value", NULL, "the access reaches outside the map's value" },
	{ "outside of the allowed memory range", NULL,
	  "an index may reach outside the memory; compare it with the size first" },
	{ "outside of the array range", NULL,
	  "an index may reach outside the array; compare it with the size first" },
	{ "invalid access to packet", NULL,
	  "the packet is read without a comparison with data_end" },
	{ "invalid access to memory", NULL, "the access reaches outside the memory" },
	{ "access beyond struct", NULL,
	  "the access reaches beyond the end of the kernel's struct" },
	{ "access beyond the end of member", NULL,
	  "the access reaches beyond the end of a member" },
	{ "combined stack size", NULL,
	  "the functions that call each other need more than 512 bytes of stack" },
	{ "invalid indirect read from stack", NULL,
	  "memory of the stack is handed on before all of it was written; zero it first (= {})" },
	{ "invalid read from stack", NULL, "memory of the stack is read before it was written" },
	{ "invalid indirect access to stack", NULL,
	  "the stack is too small for this access (512 bytes)" },
	{ "invalid size of register spill", NULL,
	  "a pointer is stored on the stack with less than its 8 bytes, as if it were a number" },
	{ "invalid stack", NULL, "the stack has 512 bytes; use a per-CPU map for more" },
	{ "invalid write to stack", NULL, "the stack has 512 bytes; use a per-CPU map for more" },
	{ "stack", "too large", "the stack has 512 bytes; use a per-CPU map for more" },
	{ "invalid func unknown#", NULL, "this kernel does not know the helper that is called" },
	{ "unknown func", NULL,
	  "the helper does not exist on this kernel, or not for this type of program" },
	{ "program of this type cannot use helper", NULL,
	  "the helper is not for this type of program" },
	{ "GPL", NULL,
	  "the helper is only for programs under the GPL: "
	  "char LICENSE[] SEC(\"license\") = \"GPL\"" },
	{ "cannot pass map_type", NULL, "the helper does not work on this type of map" },
	{ "infinite loop detected", NULL, "a loop makes no progress that the verifier can see" },
	{ "back-edge", NULL,
	  "there is a loop of which the verifier cannot see the end; bound it by a constant" },
	{ "loop is not bounded", NULL, "there is a loop without a bound; bound it by a constant" },
	{ "BPF program is too large", NULL,
	  "the verifier gave up after a million steps; make loops shorter or split the program" },
	{ "jumps is too complex", NULL,
	  "there are too many branches; simplify or split the program" },
	{ "too many states", NULL, "there are too many branches; simplify or split the program" },
	{ "R0 !read_ok", NULL, "the program may end without having set a return value" },
	{ "!read_ok", NULL,
	  "a register is used that was never set, or that the call before it clobbered" },
	{ "At program exit the register R0", NULL,
	  "the return value is not one that the hook allows" },
	{ "At subprogram exit the register R0", NULL,
	  "the return value is not one that is allowed here" },
	{ "leaks addr", NULL, "a kernel address would reach user space" },
	{ "leaking pointer", NULL, "a kernel address would reach user space" },
	{ "pointer comparison prohibited", NULL,
	  "without privilege pointers must not be compared" },
	{ "pointer arithmetic", NULL,
	  "this arithmetic is not allowed on a pointer; check it for NULL before, or copy "
	  "the value" },
	{ "math between", NULL, "an offset without bounds is added to a pointer; bound it first" },
	{ "tried to subtract pointer from scalar", NULL, "a pointer is subtracted from a number" },
	{ "misaligned", NULL, "the access is not aligned to its size" },
	{ "unreachable insn", NULL, "there is code that can never run" },
	{ "jump out of range", NULL, "a jump leaves its function" },
	{ "last insn is not an exit or jmp", NULL, "the program does not end with a return" },
	{ "Unreleased reference", NULL,
	  "something acquired is not given back on every path (bpf_ringbuf_submit() or _discard(), "
	  "bpf_sk_release() ...)" },
	{ "reference has not been acquired", NULL,
	  "something is given back that was not acquired" },
	{ "invalid bpf_context access", NULL,
	  "this part of the context cannot be accessed in this type of program or on this kernel" },
	{ "invalid ctx access", NULL,
	  "this part of the context cannot be accessed in this type of program or on this kernel" },
	{ "dereference of modified ctx", NULL,
	  "the context pointer was changed before it was used" },
	{ "type=", "expected=", "an argument is not of the type that the helper takes" },
	{ "cannot write into", NULL, "this memory is read-only" },
	{ "write into map forbidden", NULL, "this map is read-only for programs" },
	{ "frames is too deep", NULL, "functions call each other more than 8 deep" },
	{ "tail_calls are not allowed", NULL, "tail calls do not go together with functions here" },
	{ "missing btf func_info", NULL,
	  "functions that are called back need BTF; compile with -g" },
	{ "bpf_spin_lock", NULL, "a spin lock is not used as the verifier demands" },
	{ "is not sleepable", NULL, "the hook does not allow sleepable programs" },
	{ "helper call might sleep", NULL,
	  "a helper that may sleep is called where sleeping is not allowed" },
	{ "only read is supported", NULL, "kernel memory can only be read here" },
	{ "only read from bpf_array is supported", NULL, "kernel memory can only be read here" },
};

const char *verifier_reason(const char *message)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strstr(message, reasons[i].part) &&
		    (!reasons[i].part2 || strstr(message, reasons[i].part2)))
			return reasons[i].words;
	return NULL;
}
