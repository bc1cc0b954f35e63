/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of saker-agent, the program with the large libraries. */
#pragma once

/* saker query 'SELECT ...'. argv[0] is the command's name; returns the exit status. */
int command_query(int argc, char **argv);
