/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of probes: an arena with its list, attach points from text, and programs of two
 * instructions (one of which counts in a map) to attach.
 */
#pragma once

#include "lang/probes/probe.h"

struct fixture {
	struct arena *arena;
	struct sources *sources;
	struct diagnostics diagnostics;
	struct type_world *world;
	struct attach_list list;
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* Expands the attach points (split at commas) as one probe. */
int fixture_expand(struct fixture *f, const char *text);
/* The first diagnostic, "" when there is none; its hint or "". */
const char *fixture_error(const struct fixture *f);
const char *fixture_hint(const struct fixture *f);

/* A map of one u64, and a program that adds one to it, made for the point. -errno. */
int counter_map(void);
u64 counter_value(int map);
int counter_program(int map, const struct attach_point *a, bool several);
/* The same, but it adds its cookie. */
int cookie_program(int map, const struct attach_point *a, bool several);
/* Array of all points of the list; the caller frees. */
const struct attach_point **fixture_points(const struct fixture *f);
/* Expands, loads and attaches all points to one counting program: the map, or -errno. */
int fixture_attach(struct fixture *f, const char *text, struct probe_attachment **ret,
		   int *ret_program);
