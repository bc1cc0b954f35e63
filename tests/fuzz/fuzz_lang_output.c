// SPDX-License-Identifier: Apache-2.0
/*
 * Records of any bytes against the actions of a script that has one of each sort: what is printed
 * does not matter, that nothing outside of the record is read does. The first byte says text or
 * JSON.
 */
#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char program[] =
	"enum e { A = 1, B } "
	"BEGIN { printf(\"%d %5s %-9x %c %p %s %r\\n\", pid, str(kaddr(\"_text\")), nsecs, pid, "
	"curtask, (1, comm, (true, -3)), buf(kaddr(\"_text\"), 80)); "
	"print((pid, str(kaddr(\"_text\")), (a = 1, b = ntop(1)))); print(kstack(3)); "
	"print(ustack(3)); print((enum e)pid); print((int16[4])nsecs); print(macaddr(kaddr(\"_text\"))); "
	"print(strftime(\"%H %f\", nsecs)); print(ksym(nsecs)); print(strerror(pid)); "
	"emit(\"row\", (x = pid, y = comm)); errorf(\"%d\\n\", pid); exit(pid); }";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lang_options options = { .name = "fuzz" };
	struct compilation *c = NULL;
	struct output out = {};
	u64 record[512] = {}; /* aligned, as in a ring */

	if (size < 2 || size > sizeof(record))
		return 0;
	memcpy(record, data + 1, size - 1);
	if (lang_compile(program, strlen(program), &options, &c) ||
	    output_init(&out, c->script, NULL))
		abort();
	out.json = data[0] & 1;
	out.is_bpftrace = data[0] & 2;
	output_record(&out, record, size - 1);
	output_free(&out);
	compilation_free(c);
	return 0;
}
