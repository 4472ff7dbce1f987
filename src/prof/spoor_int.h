/* SPDX-License-Identifier: Apache-2.0 */
/* The recording file; docs/format.md is its description and has drawings of all of it. */
#ifndef SPOOR_SPOOR_INT_H
#define SPOOR_SPOOR_INT_H

#include "prof/prof_int.h"

/*
 * Every chunk, so also the file, begins with these 36 bytes, little endian:
 *
 *   0        8         10     11      12     16       20      24       28        32         36
 *   | magic  | version | type | codec | seq  | stored | plain | events | payload | header   |
 *   | 8      | u16     | u8   | u8    | u32  | bytes  | bytes | u32    | crc32c  | crc32c   |
 *
 * The header's checksum is over its bytes 0 to 31, the payload's over its stored bytes.
 */
#define SPOOR_MAGIC "\x89SPOOR\r\n"
#define SPOOR_MAGIC_BYTES 8
#define SPOOR_HEADER_BYTES 36
#define SPOOR_FORMAT_VERSION 1
#define SPOOR_STORED_MAX (512u << 20)
#define SPOOR_PLAIN_MAX (1024u << 20)

enum spoor_type { SPOOR_HEAD = 1, SPOOR_DATA = 2, SPOOR_END = 3 };
enum spoor_codec { SPOOR_PLAIN = 0, SPOOR_ZSTD = 1 };

/* A payload is a row of sections: tag u8, length uvarint, body. Unknown tags are skipped. */
enum spoor_section {
	SECTION_META = 1,
	SECTION_STRINGS = 2,
	SECTION_FRAMES = 3,
	SECTION_NODES = 4,
	SECTION_VALUES = 5,
	SECTION_THREADS = 6,
	SECTION_SAMPLES = 7,
	SECTION_LOSSES = 8,
	SECTION_NOTES = 9,
	SECTION_HEALTH = 10,
	SECTION_ACCT = 11,
};

/* Keys in SECTION_META: key uvarint, length uvarint, then bytes or one varint. */
enum spoor_meta {
	META_HOSTNAME = 1,
	META_OS_RELEASE = 2,
	META_ARCH = 3,
	META_CMDLINE = 4,
	META_EVENT = 5,
	META_CPU_MODEL = 6,
	META_VERSION = 7,
	META_START_NS = 16,
	META_END_NS = 17,
	META_WALL_OFFSET_NS = 18, /* svarint */
	META_FREQ_HZ = 19,
	META_NCPUS = 20,
	META_IDLE_SAMPLES = 21,
	META_COST_CPU_NS = 22,
	META_COST_BPF_NS = 23, /* absent: unknown */
	META_PROCESSES = 24,
};

struct spoor_header {
	u16 version;
	u8 type, codec;
	u32 seq, stored, plain, events, payload_crc;
};

/* Where the strings and numbers of meta are, by key; one table for the writer and the reader. */
struct spoor_meta_field {
	u8 key;
	bool string;
	size_t off; /* in struct prof_meta */
	u8 bytes;   /* 4 or 8 */
};
extern const struct spoor_meta_field spoor_meta_fields[]; /* ends with key 0 */

/* Fills a fresh p from a payload. -EBADMSG when it is malformed; then p is in no defined state. */
int spoor_payload_read(struct prof *p, const void *payload, size_t n);
void spoor_payload_write(const struct prof *p, struct buf *out);
/* A whole file: the head and everything in one last chunk. */
int spoor_write_whole(struct out *out, const struct prof *p);

#endif
