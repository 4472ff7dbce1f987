// SPDX-License-Identifier: Apache-2.0
/* elf_data: compressed sections, and the compressed symbol table that some systems ship. */
#include "sys/elf_int.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif
#define ZLIB_MAX_RATIO 1032 /* more cannot come out of deflate, so a larger claim is a lie */
#define XZ_MEM_BYTES (64u << 20)
#define XZ_OUT_BYTES (128u << 20)

static bool inflate_all(const void *p, size_t n, void *out, size_t out_n)
{
	z_stream z = {.next_in = (Bytef *)p,
		      .avail_in = (uInt)n,
		      .next_out = out,
		      .avail_out = (uInt)out_n};
	bool ok;

	if (inflateInit(&z) != Z_OK)
		return false;
	ok = inflate(&z, Z_FINISH) == Z_STREAM_END && !z.avail_out;
	inflateEnd(&z);
	return ok;
}

void *elf_decompress(const void *p, size_t n, u64 max_bytes, size_t *out_n)
{
	Elf64_Chdr ch;
	const char *from = p;
	bool ok;
	void *out;

	if (n < sizeof(ch))
		return NULL;
	memcpy(&ch, p, sizeof(ch));
	from += sizeof(ch);
	n -= sizeof(ch);
	if (!ch.ch_size || ch.ch_size > max_bytes || n > UINT32_MAX)
		return NULL;
	if (ch.ch_type == ELFCOMPRESS_ZLIB && ch.ch_size / ZLIB_MAX_RATIO > n)
		return NULL;
	if (ch.ch_type != ELFCOMPRESS_ZLIB && ch.ch_type != ELFCOMPRESS_ZSTD)
		return NULL;
	out = big_realloc(NULL, 0, ch.ch_size);
	if (ch.ch_type == ELFCOMPRESS_ZLIB)
		ok = inflate_all(from, n, out, ch.ch_size);
	else
		ok = ZSTD_decompress(out, ch.ch_size, from, n) == ch.ch_size;
	if (!ok) {
		big_free(out, ch.ch_size);
		return NULL;
	}
	*out_n = ch.ch_size;
	return out;
}

/* Decodes all of p; NULL when it is damaged or wants more memory than it may have. */
static void *xz_decode(const void *p, size_t n, size_t *out_n)
{
	lzma_stream s = LZMA_STREAM_INIT;
	size_t cap = MIN(MAX(n * 8, (size_t)65536), (size_t)XZ_OUT_BYTES);
	lzma_ret rc = lzma_stream_decoder(&s, XZ_MEM_BYTES, LZMA_CONCATENATED);
	char *out = NULL;
	size_t have = 0;

	if (rc != LZMA_OK)
		return NULL;
	out = big_realloc(NULL, 0, cap);
	s.next_in = p;
	s.avail_in = n;
	for (;;) {
		s.next_out = (u8 *)out + have;
		s.avail_out = cap - have;
		rc = lzma_code(&s, LZMA_FINISH);
		have = cap - s.avail_out;
		if (rc != LZMA_OK || s.avail_out || cap >= XZ_OUT_BYTES)
			break;
		out = big_realloc(out, cap, MIN(cap * 2, (size_t)XZ_OUT_BYTES));
		cap = MIN(cap * 2, (size_t)XZ_OUT_BYTES);
	}
	lzma_end(&s);
	if (rc != LZMA_STREAM_END || !have) {
		big_free(out, cap);
		return NULL;
	}
	*out_n = have;
	return big_realloc(out, cap, have);
}

struct elf *elf_open_debugdata(struct elf *e)
{
	size_t n, plain_n;
	const void *p = elf_section(e, ".gnu_debugdata", &n, NULL);
	void *plain = p ? xz_decode(p, n, &plain_n) : NULL;

	return plain ? elf_open_own(plain, plain_n, e->name) : NULL;
}

int elf_crc(const struct elf *e, u32 *crc)
{
	u8 block[65536];
	uLong c = crc32(0, NULL, 0);
	size_t at, n;

	for (at = 0; at < e->size; at += n) {
		n = MIN(e->size - at, sizeof(block));
		if (elf_pread(e, at, block, n))
			return err(-EBADMSG, "%s was cut off while it was read", e->name);
		c = crc32(c, block, (uInt)n);
	}
	*crc = (u32)c;
	return 0;
}
