/* SPDX-License-Identifier: Apache-2.0 */
/* What a gadget would say of itself, made by hand: parameters and short flags of every form. */
#pragma once

#include "cli/options.h"

struct gadget_fixture {
	struct gadget_info info;
	struct parameter parameters[3];
	struct alias aliases[7];
	struct example examples[1];
	struct schema *schemas[1];
};

/* A gadget whose one schema is of @sort. */
static inline void gadget_fixture_init(struct gadget_fixture *f, enum schema_sort sort)
{
	struct schema *s = schema_new("toolsnoop", "what tools do", sort);

	*f = (struct gadget_fixture){
		.parameters = {
			{ .name = "failed", .help = "only what failed", .type = "bool",
			  .is_bool = true, .value = "false" },
			{ .name = "min_us", .type = "u64", .value = "10",
			  .help = "only what took longer than this many microseconds, "
				  "which is a long text that must be wrapped" },
			{ .name = "prefix", .help = "what the name begins with", .type = "text",
			  .is_text = true },
		},
		.aliases = {
			{ 'x', NULL, "--failed", "only what failed" },
			{ 'T', NULL, "--columns +time", "with the time" },
			{ 'u', "UID", "--where uid==UID", "only this user" },
			{ 'v', NULL, "--columns +uid", "with the user" },
			{ 'n', "NAME", "--where 'comm contains \"NAME\"'",
			  "only names with this in them" },
			{ 'r', NULL, "-r", "without end" },
			{ 'b', NULL, "--nonsense", "broken" },
		},
		.examples = { { "toolsnoop -x", "only what failed" } },
	};
	if (s) {
		schema_add(s, "pid", "process that did it", kind_find("pid"), 16, 4, false);
		schema_add(s, "latency", "", kind_find("duration_ns"), 24, 8, false);
		schema_seal(s, 32);
	}
	f->schemas[0] = s;
	f->info = (struct gadget_info){
		.name = "toolsnoop",
		.summary = "Trace tools",
		.schemas = f->schemas,
		.schema_count = 1,
		.parameters = f->parameters,
		.parameter_count = ARRAY_SIZE(f->parameters),
		.aliases = f->aliases,
		.alias_count = ARRAY_SIZE(f->aliases),
		.examples = f->examples,
		.example_count = ARRAY_SIZE(f->examples),
		.tagged = true,
	};
}

static inline void gadget_fixture_free(struct gadget_fixture *f)
{
	schema_free(f->schemas[0]);
}
