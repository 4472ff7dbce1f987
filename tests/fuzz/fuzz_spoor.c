// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes as a file; and, since checksums keep most changes out, as the payload of one chunk
 * whose checksums are right.
 */
#include "fuzz_prof.h"
#include "prof/spoor_int.h"

static void put_le(u8 *p, u64 v, int bytes)
{
	for (; bytes--; v >>= 8)
		*p++ = (u8)v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	u8 *file = xmalloc(SPOOR_HEADER_BYTES + n);

	fuzz_read(data, n, "spoor");
	memset(file, 0, SPOOR_HEADER_BYTES);
	memcpy(file, SPOOR_MAGIC, SPOOR_MAGIC_BYTES);
	put_le(file + 8, SPOOR_FORMAT_VERSION, 2);
	file[10] = SPOOR_END;
	file[11] = SPOOR_PLAIN;
	put_le(file + 12, 1, 4);
	put_le(file + 16, n, 4);
	put_le(file + 20, n, 4);
	memcpy(file + SPOOR_HEADER_BYTES, data, n);
	put_le(file + 28, crc32c(0, data, n), 4);
	put_le(file + 32, crc32c(0, file, 32), 4);
	fuzz_read(file, SPOOR_HEADER_BYTES + n, "spoor");
	free(file);
	return 0;
}
