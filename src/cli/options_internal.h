/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of command lines and the table of options share. */
#pragma once

#include "cli/options.h"

/* Checks @value (NULL for a switch) and puts it into @o. -EINVAL or -ERANGE with one line. */
int option_set(struct options *o, const struct option_info *option, const char *value);
/* *@text becomes a copy of @value. */
int option_replace(char **text, const char *value);
