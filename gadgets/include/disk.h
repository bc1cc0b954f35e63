/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * disk.h: what a block request is: to which disk, what it does, with which flags. The pointers
 * come from a BTF tracepoint, which may be followed without a helper.
 */
#pragma once

#include "gadget.h"

/* include/linux/blk_types.h: the lower 8 bits of cmd_flags. Odd ones write. */
enum disk_operation {
	DISK_READ = 0,
	DISK_WRITE = 1,
	DISK_FLUSH = 2,
	DISK_DISCARD = 3,
	DISK_SECURE_ERASE = 5,
	DISK_WRITE_ZEROES = 9,
	DISK_DRV_IN = 34,
	DISK_DRV_OUT = 35,
};
enum { DISK_OPERATION_MASK = 0xff };

/* The flags above them that mean the same on every kernel since 5.10. */
enum disk_flags {
	REQ_SYNC = 1 << 11,
	REQ_META = 1 << 12,
	REQ_PRIO = 1 << 13,
	REQ_NOMERGE = 1 << 14,
	REQ_IDLE = 1 << 15,
	REQ_INTEGRITY = 1 << 16,
	REQ_FUA = 1 << 17,
	REQ_PREFLUSH = 1 << 18,
	REQ_RAHEAD = 1 << 19,
	REQ_BACKGROUND = 1 << 20,
	REQ_NOWAIT = 1 << 21,
};
enum { DISK_FLAGS_MASK = 0x3ff800 };

static __always_inline u32 disk_of(struct request *rq)
{
	struct gendisk *disk;

	if (bpf_core_field_exists(struct request___before_5_17, rq_disk))
		disk = BPF_CORE_READ((struct request___before_5_17 *)rq, rq_disk);
	else
		disk = BPF_CORE_READ(rq, q, disk);
	return disk ? (u32)BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor) : 0;
}

/*
 * A tracepoint of completion tells of every part of a request; the last one has all that is
 * left of it.
 */
static __always_inline bool is_last_part(struct request *rq, u32 bytes)
{
	return bytes >= BPF_CORE_READ(rq, __data_len);
}

/* Before 6.0 minus an errno, since then a blk_status_t (include/linux/blk_types.h). */
static __always_inline s32 disk_error(s32 status)
{
	enum { EIO = 5, ENOMEM = 12, ENOSPC = 28, EBADE = 52, ENODATA = 61, ENOLINK = 67 };
	enum { EILSEQ = 84, EOPNOTSUPP = 95, ETIMEDOUT = 110, EREMOTEIO = 121 };

	switch (status) {
	case 0:
		return 0;
	case 1:
		return EOPNOTSUPP;
	case 2:
		return ETIMEDOUT;
	case 3:
		return ENOSPC;
	case 4:
		return ENOLINK;
	case 5:
		return EREMOTEIO;
	case 6:
		return EBADE;
	case 7:
		return ENODATA;
	case 8:
		return EILSEQ;
	case 9:
		return ENOMEM;
	}
	return status < 0 ? -status : EIO;
}
