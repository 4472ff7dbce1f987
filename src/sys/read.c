// SPDX-License-Identifier: Apache-2.0
/* read: whole pseudo files, and the small parsers that every reader of them needs. */
#include <fcntl.h>
#include <unistd.h>

#include "sys/sys_int.h"

int sys_read(const char *root, const char *path, struct buf *out, size_t max_bytes)
{
	char full[4096];
	int fd, ret = 0;

	buf_reset(out);
	buf_add(out, "", 0);
	if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
		return err(-ENAMETOOLONG, "cannot open %s", path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err(-errno, "cannot open %s", full);
	for (;;) {
		char block[16384];
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ret = err(-errno, "cannot read %s", full);
		if (n <= 0)
			break;
		if (out->n + (size_t)n > max_bytes) {
			ret = err(-EFBIG, "%s is larger than %zu bytes", full, max_bytes);
			break;
		}
		buf_add(out, block, (size_t)n);
	}
	close(fd);
	return ret;
}

static u32 note_u32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

int notes_build_id(const void *notes, size_t n, u8 id[20])
{
	const u8 *p = notes;

	while (n >= 12) {
		u64 namesz = note_u32(p), descsz = note_u32(p + 4);
		u64 desc_off = 12 + ((namesz + 3) & ~3ull);
		u64 next = desc_off + ((descsz + 3) & ~3ull);

		if (desc_off + descsz > n)
			break;
		if (note_u32(p + 8) == 3 && namesz == 4 && !memcmp(p + 12, "GNU", 4) &&
		    descsz > 0 && descsz <= 20) {
			memcpy(id, p + desc_off, descsz);
			return (int)descsz;
		}
		if (next > n)
			break;
		p += next;
		n -= next;
	}
	return -ENOENT;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

bool scan_u64(const char **p, const char *end, int base, u64 *out)
{
	const char *s = *p;
	u64 v = 0;

	while (s < end) {
		int d = digit_value(*s);

		if (d >= base)
			break;
		if (v > (UINT64_MAX - (u64)d) / (u64)base)
			return false;
		v = v * (u64)base + (u64)d;
		s++;
	}
	if (s == *p)
		return false;
	*p = s;
	*out = v;
	return true;
}
