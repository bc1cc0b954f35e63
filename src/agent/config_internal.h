/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader (config_read.c) and the table of settings (config.c) share. */
#pragma once

#include "agent/config.h"

enum setting_type {
	SETTING_BOOL,
	SETTING_TEXT,
	SETTING_LIST,
	SETTING_NUMBER,
	SETTING_SIZE,
	SETTING_DURATION
};

struct setting {
	const char *name; /* "section.key" */
	enum setting_type type;
	size_t offset;
	const char *value; /* the default */
	const char *help;
	u64 min, max;
	unsigned flags;
};
#define SETTING_FIXED 1 /* takes effect with the next start */
#define SETTING_POWER 2 /* of two */
extern const struct setting settings[];
extern const size_t setting_count;

int setting_set(struct config *c, const struct setting *s, const char *text);
/* The gadget's section, made when it is not there; NULL: out of memory. */
struct config_gadget *config_gadget_add(struct config *c, const char *name);
int config_list_add(struct config *c, const char *word);
void config_list_free(char **list, size_t count);
