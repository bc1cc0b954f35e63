// SPDX-License-Identifier: Apache-2.0
/* Declaration tags come with whatever object a user runs. */
#include "event/event.h"
#include "event/tags.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const char *const keys[] = { "width", "hide", "unit", "each", "linear" };
	char *text = strndup((const char *)data, size);
	struct tag t;

	if (text && !tag_parse(text, &t)) {
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
			const char *value = NULL;
			size_t len = 0;
			u64 number;

			/* What it points to lies in the text. */
			if (tag_option(&t, keys[i], &value, &len) && len &&
			    (value < text || value + len > text + size))
				abort();
			tag_number(&t, keys[i], 1, &number);
		}
	}
	free(text);
	return 0;
}
