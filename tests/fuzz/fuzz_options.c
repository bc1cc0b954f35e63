// SPDX-License-Identifier: Apache-2.0
/*
 * Command lines: each line of the input is a word. Whatever stands there, it is read or refused
 * with a text, and all memory comes back. The first byte chooses the sort of the gadget's schema.
 */
#include "cli/options.h"

#include "unit/cli/gadget_fixture.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	_cleanup_options_ struct options o = {};
	_cleanup_free_ char *text = NULL;
	char *words[WORDS_MAX + 1] = { (char *)"toolsnoop" }, *rest;
	struct gadget_fixture f;
	int count = 1, err;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	if (!text)
		return 0;
	rest = text;
	while (count < WORDS_MAX && (words[count] = strsep(&rest, "\n")))
		count++;
	words[count] = NULL;
	gadget_fixture_init(&f, (enum schema_sort)(data[0] % 4));
	error_clear();
	err = options_parse(&o, &f.info, count, words);
	if (err && !*error_text())
		abort();
	if (!err && !o.help && o.command && (o.command < words || o.command >= words + count))
		abort();
	gadget_fixture_free(&f);
	return 0;
}
