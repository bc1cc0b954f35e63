// SPDX-License-Identifier: Apache-2.0
/*
 * What a compiler brings along besides the system's headers: its predefined macros, and the headers
 * that come with it. <sys/socket.h> and <stdint.h> are here in short for machines without a C
 * library's headers, as scripts want the address families and the fixed widths of them.
 */
#include "lang/types/c.h"

const char c_predefined[] = "#define BPFTRACE_HAVE_BTF 1\n"
			    "#define __STDC__ 1\n"
			    "#define __STDC_VERSION__ 201112L\n"
			    "#define __STDC_HOSTED__ 1\n"
			    /* what headers ask before they use a compiler's newer types: be old */
			    "#define __GNUC__ 4\n"
			    "#define __GNUC_MINOR__ 2\n"
			    "#define __GNUC_PATCHLEVEL__ 1\n"
			    "#define __GNUC_STDC_INLINE__ 1\n"
			    "#define __linux__ 1\n"
			    "#define __linux 1\n"
			    "#define __gnu_linux__ 1\n"
			    "#define __unix__ 1\n"
			    "#define __unix 1\n"
			    "#define __ELF__ 1\n"
			    "#define __LP64__ 1\n"
			    "#define _LP64 1\n"
			    "#define __CHAR_BIT__ 8\n"
			    "#define __SIZEOF_SHORT__ 2\n"
			    "#define __SIZEOF_INT__ 4\n"
			    "#define __SIZEOF_LONG__ 8\n"
			    "#define __SIZEOF_LONG_LONG__ 8\n"
			    "#define __SIZEOF_POINTER__ 8\n"
			    "#define __SIZEOF_SIZE_T__ 8\n"
			    "#define __SIZEOF_PTRDIFF_T__ 8\n"
			    "#define __SIZEOF_WCHAR_T__ 4\n"
			    "#define __SIZEOF_WINT_T__ 4\n"
			    "#define __ORDER_LITTLE_ENDIAN__ 1234\n"
			    "#define __ORDER_BIG_ENDIAN__ 4321\n"
			    "#define __ORDER_PDP_ENDIAN__ 3412\n"
			    "#define __BYTE_ORDER__ 1234\n"
			    "#define __FLOAT_WORD_ORDER__ 1234\n"
			    "#define __LITTLE_ENDIAN__ 1\n"
			    "#define __SCHAR_MAX__ 127\n"
			    "#define __SHRT_MAX__ 32767\n"
			    "#define __INT_MAX__ 2147483647\n"
			    "#define __LONG_MAX__ 9223372036854775807L\n"
			    "#define __LONG_LONG_MAX__ 9223372036854775807LL\n"
			    "#define __WCHAR_MAX__ 2147483647\n"
			    "#define __WCHAR_MIN__ (-2147483647 - 1)\n"
			    "#define __SIZE_TYPE__ long unsigned int\n"
			    "#define __PTRDIFF_TYPE__ long int\n"
			    "#define __WCHAR_TYPE__ int\n"
			    "#define __WINT_TYPE__ unsigned int\n"
			    "#define __INTMAX_TYPE__ long int\n"
			    "#define __UINTMAX_TYPE__ long unsigned int\n"
			    "#define __INTPTR_TYPE__ long int\n"
			    "#define __UINTPTR_TYPE__ long unsigned int\n"
			    "#define __INT8_TYPE__ signed char\n"
			    "#define __INT16_TYPE__ short int\n"
			    "#define __INT32_TYPE__ int\n"
			    "#define __INT64_TYPE__ long int\n"
			    "#define __UINT8_TYPE__ unsigned char\n"
			    "#define __UINT16_TYPE__ short unsigned int\n"
			    "#define __UINT32_TYPE__ unsigned int\n"
			    "#define __UINT64_TYPE__ long unsigned int\n"
			    "#define __USER_LABEL_PREFIX__\n"
			    "#define __VERSION__ \"4.2.1\"\n"
#if defined(__x86_64__)
			    "#define __x86_64__ 1\n"
			    "#define __x86_64 1\n"
			    "#define __amd64__ 1\n"
			    "#define __amd64 1\n"
#elif defined(__aarch64__)
			    "#define __aarch64__ 1\n"
			    "#define __AARCH64EL__ 1\n"
			    "#define __ARM_64BIT_STATE 1\n"
			    "#define __CHAR_UNSIGNED__ 1\n"
#endif
	;

static const struct {
	const char *name, *text;
} headers[] = {
	{ "stddef.h", "#ifndef _STDDEF_H\n"
		      "#define _STDDEF_H\n"
		      "typedef long unsigned int size_t;\n"
		      "typedef long int ptrdiff_t;\n"
		      "typedef int wchar_t;\n"
		      "#define NULL ((void *)0)\n"
		      "#define offsetof(t, m) __builtin_offsetof(t, m)\n"
		      "#endif\n"
		      "#ifdef __need_wint_t\n"
		      "#undef __need_wint_t\n"
		      "typedef unsigned int wint_t;\n"
		      "#endif\n" },
	{ "stdarg.h", "#ifndef _STDARG_H\n"
		      "#define _STDARG_H\n"
		      "typedef __builtin_va_list __gnuc_va_list;\n"
		      "typedef __builtin_va_list va_list;\n"
		      "#endif\n" },
	{ "stdbool.h", "#ifndef _STDBOOL_H\n"
		       "#define _STDBOOL_H\n"
		       "#define bool _Bool\n"
		       "#define true 1\n"
		       "#define false 0\n"
		       "#endif\n" },
	{ "stdalign.h", "" },
	{ "stdnoreturn.h", "" },
	{ "limits.h", "#define CHAR_BIT 8\n"
		      "#define SCHAR_MAX 127\n"
		      "#define SCHAR_MIN (-128)\n"
		      "#define UCHAR_MAX 255\n"
		      "#define CHAR_MAX 127\n"
		      "#define CHAR_MIN (-128)\n"
		      "#define SHRT_MAX 32767\n"
		      "#define SHRT_MIN (-32768)\n"
		      "#define USHRT_MAX 65535\n"
		      "#define INT_MAX 2147483647\n"
		      "#define INT_MIN (-INT_MAX - 1)\n"
		      "#define UINT_MAX 4294967295U\n"
		      "#define LONG_MAX 9223372036854775807L\n"
		      "#define LONG_MIN (-LONG_MAX - 1L)\n"
		      "#define ULONG_MAX 18446744073709551615UL\n"
		      "#define PATH_MAX 4096\n" },
	{ "stdint.h", "#ifndef _STDINT_H\n"
		      "#define _STDINT_H 1\n"
		      "typedef signed char int8_t;\n"
		      "typedef short int int16_t;\n"
		      "typedef int int32_t;\n"
		      "typedef long int int64_t;\n"
		      "typedef unsigned char uint8_t;\n"
		      "typedef short unsigned int uint16_t;\n"
		      "typedef unsigned int uint32_t;\n"
		      "typedef long unsigned int uint64_t;\n"
		      "typedef long int intptr_t;\n"
		      "typedef long unsigned int uintptr_t;\n"
		      "typedef long int intmax_t;\n"
		      "typedef long unsigned int uintmax_t;\n"
		      "#endif\n" },
	{ "inttypes.h", "#include <stdint.h>\n" },
	{ "sys/types.h", "#include <stddef.h>\n#include <stdint.h>\n" },
	{ "sys/socket.h", "#ifndef _SYS_SOCKET_H\n"
			  "#define _SYS_SOCKET_H 1\n"
			  "#define AF_UNSPEC 0\n"
			  "#define AF_UNIX 1\n"
			  "#define AF_LOCAL 1\n"
			  "#define AF_INET 2\n"
			  "#define AF_INET6 10\n"
			  "#define AF_NETLINK 16\n"
			  "#define AF_PACKET 17\n"
			  "#define AF_VSOCK 40\n"
			  "#define AF_XDP 44\n"
			  "#endif\n" },
};

const char *c_builtin_header(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (!strcmp(headers[i].name, name))
			return headers[i].text;
	return NULL;
}
