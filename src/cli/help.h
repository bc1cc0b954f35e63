/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help, manual pages and completion: all made from the tables of options.h and from what gadgets
 * say of themselves.
 */
#pragma once

#include "cli/options.h"

/* `saker --help` and `saker NAME --help`. */
void help_main(FILE *out);
void help_gadget(const struct gadget_info *info, FILE *out);
/*
 * One command of the table: `saker list --help`. Falls back to help_main() for a name that is none.
 */
void help_command(const char *name, FILE *out);

/* `saker completion bash|zsh` and `saker man [NAME]`; they return the exit status. */
int command_completion(int argc, char **argv);
int command_man(int argc, char **argv);
