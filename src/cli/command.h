/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of `saker`. Each gets its own words (argv[0] is its name) and returns the exit
 * status.
 */
#pragma once

int command_run(int argc, char **argv);
/*
 * saker bpftrace ...: bpftrace's command line. saker -e 'PROGRAM' ...: the same words, as saker's
 * own. command_script(): behind `saker run`, when a .bt file or -e is run.
 */
int command_bpftrace(int argc, char **argv);
int command_expression(int argc, char **argv);
int command_script(int argc, char **argv);
int command_list(int argc, char **argv);
/*
 * saker check: what this machine allows, and whether each gadget can run on it. 0: all can, 1: some
 * cannot, 2: none.
 */
int command_check(int argc, char **argv);
/*
 * saker ps: every BPF program, map and link on the machine, what they cost and what one of them is.
 */
int command_ps(int argc, char **argv);
int command_completion(int argc, char **argv);
int command_man(int argc, char **argv);

/* A command with its words, as main() gets them. */
int saker_main_words(int argc, char **argv);
