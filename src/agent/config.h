/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's configuration: one YAML file. A table of settings (config.c) is the source of the
 * reader, of the defaults, of `saker agent --print-config` and of the manual; gadgets have a
 * section each with the same few keys.
 */
#pragma once

#include "agent/agent.h"

#define CONFIG_RINGS 4
#define CONFIG_SCRIPTS "/etc/saker/scripts.d"

/* Where something stands in the file: 0 when it is a default. */
struct config_place {
	size_t line, column;
};

/*
 * Rings by class: what is loud cannot push out what matters. In the order in which they are read.
 */
enum ring_class { RING_PROCESS, RING_NETWORK, RING_BLOCK, RING_FILE };
extern const char *const ring_class_names[CONFIG_RINGS];

struct config_gadget {
	char *name;
	bool enabled, store;
	enum ring_class ring;
	char *where;	  /* "" for none */
	u64 budget;	  /* records stored a second at most, 0: no limit */
	char *parameters; /* "name=value\0..." */
	size_t parameters_size;
	struct config_place where_place, parameters_place;
};

struct config {
	/* store */
	bool store_enabled;
	char *store_path;
	u64 store_partition_ns, store_max_age_ns, store_max_bytes, store_flush_ns;
	bool store_mask_secrets;
	char **store_columns; /* virtual columns kept with each record */
	size_t store_column_count;
	/* http */
	bool http_enabled;
	char *http_address;
	u64 http_port;
	u64 http_clients;
	u64 query_timeout_ns;
	/* scripts */
	char *scripts_folder, *scripts_socket;
	u64 scripts_budget;
	/* process */
	char *user;
	u64 interval_ns; /* how often tables are read */
	u64 processes;	 /* size of the table of processes */
	u64 ring_bytes[CONFIG_RINGS];
	bool summary; /* live summary on a terminal */
	struct config_gadget *gadgets;
	size_t gadget_count, gadget_capacity;
};

/* The defaults. NULL: out of memory. */
struct config *config_new(void);
void config_freep(struct config **c);
/*
 * Reads @text over the defaults. -EINVAL with "FILE:LINE:COLUMN: what" (an unknown key suggests
 * the nearest).
 */
int config_parse(const char *file, const char *text, size_t len, struct config **ret);
/*
 * The same from a file, or from @fd (>= 0), which stays the caller's: then @file is only its name.
 */
int config_read(const char *file, int fd, struct config **ret);
/* Adds the names of settings that differ and cannot change while the agent runs. */
void config_fixed_changes(const struct config *now, const struct config *next, struct buf *b);
