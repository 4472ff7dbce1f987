// SPDX-License-Identifier: Apache-2.0
/* Input in blocks: plain, gzip or zstd, told apart by their first bytes. */
#include "base/base.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define RAW_BLOCK (256 << 10)
#define PEEK_MAX 65536

enum coding { CODING_UNKNOWN, CODING_PLAIN, CODING_GZIP, CODING_ZSTD };

struct in {
	int fd; /* -1: mem */
	bool own;
	char *name;
	const char *mem;
	size_t mem_left;
	enum coding coding;
	bool eof;	/* of the raw input */
	bool mid_frame; /* compressed data stopped in the middle */
	char *raw;
	size_t raw_pos, raw_n;
	char *peek; /* decoded, not yet read */
	size_t peek_pos, peek_n;
	z_stream z;
	ZSTD_DStream *zstd;
};

static struct in *in_new(const char *name)
{
	struct in *in = xcalloc(1, sizeof(*in));

	in->fd = -1;
	in->name = xstrdup(name);
	return in;
}

struct in *in_open(const char *path)
{
	struct stat st;
	struct in *in;

	if (!strcmp(path, "-")) {
		in = in_new("standard input");
		in->fd = STDIN_FILENO;
		return in;
	}
	in = in_new(path);
	in->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd >= 0) {
		in->own = true;
		if (fstat(in->fd, &st) || !S_ISDIR(st.st_mode))
			return in;
		errno = EISDIR;
	}
	err(-errno, "cannot read %s", path);
	in_close(in);
	return NULL;
}

struct in *in_mem(const void *p, size_t n, const char *name)
{
	struct in *in = in_new(name);

	in->mem = p;
	in->mem_left = n;
	return in;
}

static ssize_t read_raw(struct in *in, void *p, size_t n)
{
	ssize_t k;

	if (in->fd < 0) {
		n = MIN(n, in->mem_left);
		if (n)
			memcpy(p, in->mem, n);
		in->mem += n;
		in->mem_left -= n;
		return (ssize_t)n;
	}
	do
		k = read(in->fd, p, n);
	while (k < 0 && errno == EINTR);
	return k < 0 ? err(-errno, "cannot read %s", in->name) : k;
}

static int fill_raw(struct in *in)
{
	ssize_t k;

	if (in->raw_pos < in->raw_n || in->eof)
		return 0;
	k = read_raw(in, in->raw, RAW_BLOCK);
	if (k < 0)
		return (int)k;
	in->raw_pos = 0;
	in->raw_n = (size_t)k;
	in->eof = !k;
	return 0;
}

static int start(struct in *in)
{
	static const u8 gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd};

	in->raw = xmalloc(RAW_BLOCK);
	/* A pipe may hand over a byte at a time; the magic needs four. */
	while (in->raw_n < 4 && !in->eof) {
		ssize_t k = read_raw(in, in->raw + in->raw_n, RAW_BLOCK - in->raw_n);

		if (k < 0)
			return (int)k;
		in->raw_n += (size_t)k;
		in->eof = !k;
	}
	in->eof = in->eof && !in->raw_n;
	in->coding = CODING_PLAIN;
	if (in->raw_n >= 2 && !memcmp(in->raw, gzip, 2)) {
		in->coding = CODING_GZIP;
		BUG_ON(inflateInit2(&in->z, 15 + 16) != Z_OK);
	} else if (in->raw_n >= 4 && !memcmp(in->raw, zstd, 4)) {
		in->coding = CODING_ZSTD;
		in->zstd = ZSTD_createDStream();
		BUG_ON(!in->zstd);
	}
	return 0;
}

/* One step: takes from raw, gives 0 or more bytes; 0 with raw empty means more raw is needed. */
static ssize_t decode_gzip(struct in *in, void *p, size_t n)
{
	int rc;

	in->z.next_in = (Bytef *)in->raw + in->raw_pos;
	in->z.avail_in = (uInt)(in->raw_n - in->raw_pos);
	in->z.next_out = p;
	in->z.avail_out = (uInt)MIN(n, (size_t)1 << 30);
	n = in->z.avail_out;
	rc = inflate(&in->z, Z_NO_FLUSH);
	in->raw_pos = in->raw_n - in->z.avail_in;
	in->mid_frame = rc != Z_STREAM_END;
	if (rc == Z_STREAM_END)
		rc = inflateReset(&in->z); /* gzip members may follow each other */
	if (rc != Z_OK && rc != Z_BUF_ERROR)
		return err(-EBADMSG, "%s: damaged gzip data: %s", in->name,
			   in->z.msg ? in->z.msg : "inflate failed");
	return (ssize_t)(n - in->z.avail_out);
}

static ssize_t decode_zstd(struct in *in, void *p, size_t n)
{
	ZSTD_inBuffer src = {in->raw, in->raw_n, in->raw_pos};
	ZSTD_outBuffer dst = {p, n, 0};
	size_t rc = ZSTD_decompressStream(in->zstd, &dst, &src);

	in->raw_pos = src.pos;
	if (ZSTD_isError(rc))
		return err(-EBADMSG, "%s: damaged zstd data: %s", in->name, ZSTD_getErrorName(rc));
	in->mid_frame = rc != 0;
	return (ssize_t)dst.pos;
}

static ssize_t decode(struct in *in, void *p, size_t n)
{
	ssize_t k;
	int rc;

	if (in->coding == CODING_UNKNOWN) {
		rc = start(in);
		if (rc)
			return rc;
	}
	for (;;) {
		if (in->coding == CODING_PLAIN) {
			/* Large reads go straight to the caller. */
			if (in->raw_pos == in->raw_n)
				return in->eof ? 0 : read_raw(in, p, n);
			k = (ssize_t)MIN(n, in->raw_n - in->raw_pos);
			memcpy(p, in->raw + in->raw_pos, (size_t)k);
			in->raw_pos += (size_t)k;
			return k;
		}
		rc = fill_raw(in);
		if (rc)
			return rc;
		if (in->eof && !in->mid_frame)
			return 0;
		k = in->coding == CODING_GZIP ? decode_gzip(in, p, n) : decode_zstd(in, p, n);
		if (k)
			return k;
		if (in->eof && in->mid_frame)
			return err(-EBADMSG, "%s: compressed data ends early", in->name);
	}
}

size_t in_peek(struct in *in, const char **p)
{
	if (!in->peek) {
		in->peek = xmalloc(PEEK_MAX);
		while (in->peek_n < PEEK_MAX) {
			ssize_t k = decode(in, in->peek + in->peek_n, PEEK_MAX - in->peek_n);

			if (k <= 0)
				break;
			in->peek_n += (size_t)k;
		}
	}
	*p = in->peek + in->peek_pos;
	return in->peek_n - in->peek_pos;
}

ssize_t in_read(struct in *in, void *p, size_t n)
{
	size_t k = in->peek_n - in->peek_pos;

	if (!n)
		return 0;
	if (!k)
		return decode(in, p, n);
	k = MIN(n, k);
	memcpy(p, in->peek + in->peek_pos, k);
	in->peek_pos += k;
	return (ssize_t)k;
}

const char *in_name(const struct in *in)
{
	return in->name;
}

void in_close(struct in *in)
{
	if (!in)
		return;
	if (in->coding == CODING_GZIP)
		inflateEnd(&in->z);
	ZSTD_freeDStream(in->zstd);
	if (in->own)
		close(in->fd);
	free(in->raw);
	free(in->peek);
	free(in->name);
	free(in);
}
