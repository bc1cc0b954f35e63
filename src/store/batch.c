// SPDX-License-Identifier: Apache-2.0
/*
 * Batches, both ways. Writing is a copy per record and a zstd call per batch; reading checks the
 * checksum, unpacks into memory of a bounded size, walks the frames once, and then hands out
 * records that record_check() has passed.
 */
#include "store/batch.h"

#include <endian.h>
#include <zlib.h>
#include <zstd.h>

#define ZSTD_LEVEL 1

struct frame {
	u64 wall_ns;
	u32 size, zero;
};

struct batch_packer {
	ZSTD_CCtx *zstd;
	u8 *packed;
	size_t capacity;
};

static size_t frame_room(size_t size)
{
	return sizeof(struct frame) + (size + 7) / 8 * 8;
}

struct batch_packer *batch_packer_new(void)
{
	struct batch_packer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->capacity = ZSTD_compressBound(BATCH_TARGET);
	p->packed = malloc(p->capacity);
	p->zstd = ZSTD_createCCtx();
	return p->packed && p->zstd ? p : batch_packer_free(p);
}

struct batch_packer *batch_packer_free(struct batch_packer *p)
{
	if (p) {
		ZSTD_freeCCtx(p->zstd);
		free(p->packed);
		free(p);
	}
	return NULL;
}

int batch_add(struct batch *b, const struct record *r)
{
	struct batch_header *h = &b->header;
	size_t room = frame_room(r->size);
	struct frame frame = { .wall_ns = htole64(r->wall_ns), .size = htole32(r->size) };
	u8 *to;

	if (r->size > BATCH_RECORD_MAX)
		return -EMSGSIZE;
	if (h->raw_size + room > BATCH_MAX)
		return -EAGAIN;
	if (h->raw_size + room > b->capacity && grow(&b->raw, &b->capacity, h->raw_size + room, 1))
		return -ENOMEM;
	to = b->raw + h->raw_size;
	memset(to + room - 8, 0, 8);
	memcpy(to, &frame, sizeof(frame));
	memcpy(to + sizeof(frame), r->data, r->size);
	h->raw_size += room;
	if (!h->count || r->wall_ns < h->time_min)
		h->time_min = r->wall_ns;
	if (!h->count || r->wall_ns > h->time_max)
		h->time_max = r->wall_ns;
	h->count++;
	return 0;
}

bool batch_full(const struct batch *b, u32 max_records)
{
	return b->header.count >= max_records || b->header.raw_size >= BATCH_TARGET;
}

/* Covers the header too: a flipped bit in a time would hide records. */
u32 batch_checksum(const struct batch_header *h, const void *data, size_t size)
{
	u64 fields[] = { htole64(h->time_min), htole64(h->time_max), htole64(h->count),
			 htole64(h->raw_size) };
	uLong crc = crc32(0, (const Bytef *)fields, sizeof(fields));

	return (u32)crc32(crc, data, (uInt)size);
}

/* Packs into @p's memory; false when packing does not pay or there is no memory for it. */
static bool pack(struct batch_packer *p, const struct batch *b, size_t *ret)
{
	size_t bound = ZSTD_compressBound(b->header.raw_size);
	size_t n;

	if (bound > p->capacity && grow(&p->packed, &p->capacity, bound, 1))
		return false;
	n = ZSTD_compressCCtx(p->zstd, p->packed, p->capacity, b->raw, b->header.raw_size,
			      ZSTD_LEVEL);
	if (ZSTD_isError(n) || n >= b->header.raw_size)
		return false;
	*ret = n;
	return true;
}

int batch_seal(struct batch *b, struct batch_packer *p, struct sealed_batch **ret)
{
	const u8 *data = b->raw;
	size_t size = b->header.raw_size;
	struct sealed_batch *sealed;

	if (pack(p, b, &size))
		data = p->packed;
	sealed = malloc(sizeof(*sealed) + size);
	if (!sealed)
		return -ENOMEM;
	sealed->header = b->header;
	sealed->size = (u32)size;
	sealed->header.crc = batch_checksum(&b->header, data, size);
	memcpy(sealed->data, data, size);
	*ret = sealed;
	/* A burst's memory is given back when it is over. */
	if (b->capacity > 4096 && b->header.raw_size < b->capacity / 8)
		batch_free(b);
	memset(&b->header, 0, sizeof(b->header));
	return 0;
}

void batch_free(struct batch *b)
{
	free(b->raw);
	memset(b, 0, sizeof(*b));
}

/* ---- reading --------------------------------------------------------------------------------- */

static int unpack(struct batch_reader *b, const struct batch_header *h, const void *data,
		  size_t size)
{
	size_t n;

	if (size == h->raw_size) {
		memcpy(b->raw, data, size);
		return 0;
	}
	if (!b->unpacker)
		b->unpacker = ZSTD_createDCtx();
	if (!b->unpacker)
		return fail(-ENOMEM, "store: out of memory");
	n = ZSTD_decompressDCtx(b->unpacker, b->raw, h->raw_size, data, size);
	if (ZSTD_isError(n))
		return fail(-EBADMSG, "batch does not unpack: %s", ZSTD_getErrorName(n));
	if (n != h->raw_size)
		return fail(-EBADMSG, "batch unpacks to %zu bytes, not %u", n, h->raw_size);
	return 0;
}

/* Every frame lies inside the batch, and there are as many as the header says. */
static int check_frames(const struct batch_reader *b, const struct batch_header *h)
{
	struct frame frame;
	size_t at = 0;
	u32 count = 0;

	while (at < b->size) {
		if (b->size - at < sizeof(frame))
			return fail(-EBADMSG, "batch ends within a record");
		memcpy(&frame, b->raw + at, sizeof(frame));
		if (frame.zero || le32toh(frame.size) > BATCH_RECORD_MAX ||
		    frame_room(le32toh(frame.size)) > b->size - at)
			return fail(-EBADMSG, "batch holds a malformed record");
		at += frame_room(le32toh(frame.size));
		count++;
	}
	if (count != h->count)
		return fail(-EBADMSG, "batch holds %u records, not %u", count, h->count);
	return 0;
}

int batch_open(struct batch_reader *b, const struct batch_header *header, const void *data,
	       size_t size)
{
	int err;

	b->left = 0;
	b->at = b->size = 0;
	if (header->raw_size > BATCH_MAX || size > header->raw_size || !size)
		return fail(-EBADMSG, "batch of an impossible size");
	if (batch_checksum(header, data, size) != header->crc)
		return fail(-EBADMSG, "batch with a wrong checksum");
	if (header->raw_size > b->capacity && grow(&b->raw, &b->capacity, header->raw_size, 1))
		return fail(-ENOMEM, "store: out of memory");
	err = unpack(b, header, data, size);
	if (err)
		return err;
	b->size = header->raw_size;
	err = check_frames(b, header);
	if (err)
		return err;
	b->left = header->count;
	return 0;
}

int batch_next(struct batch_reader *b, const struct schema *schema, struct record *ret)
{
	struct frame frame;

	while (b->left) {
		const u8 *data = b->raw + b->at + sizeof(frame);

		memcpy(&frame, b->raw + b->at, sizeof(frame));
		frame.size = le32toh(frame.size);
		b->at += frame_room(frame.size);
		b->left--;
		if (record_check(schema, data, frame.size)) {
			b->bad_records++;
			continue;
		}
		*ret = (struct record){ .schema = schema,
					.data = data,
					.size = frame.size,
					.wall_ns = le64toh(frame.wall_ns) };
		return 1;
	}
	return 0;
}

void batch_reader_free(struct batch_reader *b)
{
	ZSTD_freeDCtx(b->unpacker);
	free(b->raw);
	memset(b, 0, sizeof(*b));
}
