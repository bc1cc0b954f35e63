/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of the agent's tests, and a folder that goes with the test. */
#pragma once

#include "agent/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

int run_config_tests(void);
int run_broker_tests(void);
int run_watch_tests(void);
int run_sink_tests(void);
int run_summary_tests(void);
int run_ingest_tests(void);
int run_scripts_tests(void);

/* @state becomes the path of a new folder; teardown removes it with what is in it. */
int folder_setup(void **state);
int folder_teardown(void **state);
/* FOLDER/NAME; valid until the next but two calls. */
const char *in_folder(void **state, const char *name);
void write_text(const char *path, const char *text);
