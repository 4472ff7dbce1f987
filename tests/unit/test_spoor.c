// SPDX-License-Identifier: Apache-2.0
/* The recording file: what goes in comes out, and nothing that is done to the bytes can hurt. */
#include "prof_gen.h"

/* Two data chunks and the last one; total says what all of them hold together. */
static void write_recording(struct buf *file, struct prof *total, size_t stacks)
{
	struct out *out = out_mem(file);
	struct prof p;

	prof_init(&p);
	if (total)
		prof_init(total);
	p.meta.hostname = prof_string(&p, "here", 4);
	p.meta.start_ns = 1000;
	p.meta.wall_offset_ns = -5;
	assert_int_equal(spoor_begin(out), 0);
	for (u64 i = 0; i < 3; i++) {
		struct prof_health h = {.stacks = 10, .complete = 9};

		prof_gen(&p, 10 + i, stacks, true);
		if (total)
			prof_gen(total, 10 + i, stacks, true);
		prof_lose(&p, "ring buffer full", false, 2, 0);
		prof_lose(&p, "filter", true, 1, 1);
		h.module = prof_string(&p, "libc", 4);
		vec_push(&p.health, h);
		p.meta.idle_samples += 100;
		p.meta.end_ns = 2000 + i;
		p.meta.cost_cpu_ns = 7 + i;
		if (i < 2)
			assert_int_equal(spoor_chunk(out, &p), 0);
		else
			assert_int_equal(spoor_end(out, &p), 0);
		prof_reset(&p);
	}
	prof_done(&p);
	out_close(out);
}

static int read_bytes(struct prof *p, const void *bytes, size_t n)
{
	struct in *in = in_mem(bytes, n, "test");
	int rc;

	prof_init(p);
	rc = prof_load_in(p, in, "spoor");
	in_close(in);
	return rc;
}

static void test_round_trip(void **state)
{
	struct buf file = {0};
	struct prof total, got;

	write_recording(&file, &total, 200);
	assert_int_equal(read_bytes(&got, file.p, file.n), 0);
	prof_finish(&total);
	prof_check(&got);
	assert_true(prof_digest(&got) == prof_digest(&total));
	assert_true(got.have_samples && got.meta.complete_file);
	assert_string_equal(prof_str(&got, got.meta.hostname), "here");
	/* Losses and health add up; meta is what it was at the end. */
	assert_int_equal(prof_lost(&got), 6);
	assert_int_equal(prof_dropped(&got), 3);
	assert_int_equal(got.acct.dropped, 3);
	assert_int_equal(got.acct.in, 603);
	assert_int_equal(got.health.n, 1);
	assert_int_equal(got.health.v[0].stacks, 30);
	assert_int_equal(got.meta.idle_samples, 300);
	assert_int_equal(got.meta.end_ns, 2002);
	assert_int_equal(got.meta.cost_cpu_ns, 9);
	assert_true(got.meta.cost_bpf_ns == UINT64_MAX);
	assert_true(got.meta.wall_offset_ns == -5);
	assert_string_equal(got.format, "spoor");
	prof_done(&got);
	prof_done(&total);
	buf_done(&file);
}

/* Two recordings behind each other are one profile. */
static void test_concatenated(void **state)
{
	struct buf file = {0};
	struct prof got;
	size_t one;

	write_recording(&file, NULL, 50);
	one = file.n;
	write_recording(&file, NULL, 50);
	assert_int_equal(read_bytes(&got, file.p, file.n), 0);
	prof_check(&got);
	assert_int_equal(got.samples.n, 300);
	assert_int_equal(got.meta.idle_samples, 600);
	assert_true(got.meta.complete_file);
	prof_done(&got);
	/* The first is cut off, the second whole. */
	memmove(file.p + one - 10, file.p + one, file.n - one);
	assert_int_equal(read_bytes(&got, file.p, file.n - 10), 0);
	prof_check(&got);
	assert_int_equal(got.samples.n, 250);
	assert_false(got.meta.complete_file);
	prof_done(&got);
	buf_done(&file);
}

static bool has_loss(const struct prof *p, const char *reason)
{
	for (size_t i = 0; i < p->losses.n; i++) {
		if (str_starts(prof_str(p, p->losses.v[i].reason), reason))
			return true;
	}
	return false;
}

static void test_cut_anywhere(void **state)
{
	struct buf file = {0};

	write_recording(&file, NULL, 12);
	for (size_t n = 0; n < file.n; n++) {
		struct prof got;
		int rc = read_bytes(&got, file.p, n);

		prof_check(&got);
		if (!rc) {
			assert_true(got.samples.n % 12 == 0 && got.samples.n < 36);
			assert_true(has_loss(&got, "recording was cut off"));
			assert_false(got.meta.complete_file);
		} else {
			assert_true(*err_msg());
			err_clear();
		}
		prof_done(&got);
	}
	buf_done(&file);
}

static void test_any_bit_flipped(void **state)
{
	struct buf file = {0};

	write_recording(&file, NULL, 12);
	for (size_t bit = 0; bit < file.n * 8; bit++) {
		struct prof got;
		size_t whole;

		file.p[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(read_bytes(&got, file.p, file.n), 0);
		file.p[bit / 8] ^= (char)(1 << bit % 8);
		prof_check(&got);
		whole = got.samples.n;
		/* The head carries nothing; damage anywhere else costs one chunk and is said. */
		assert_true(has_loss(&got, "damaged chunk at byte"));
		assert_true(whole == 24 || whole == 36);
		if (whole == 24)
			assert_true(prof_lost(&got) >= 4 + 1);
		prof_done(&got);
	}
	buf_done(&file);
}

/* Garbage between, before and after chunks is stepped over. */
static void test_garbage_between(void **state)
{
	struct buf file = {0}, junk = {0};
	struct prof got;
	u64 seed = 5;

	write_recording(&file, NULL, 20);
	for (int i = 0; i < 300000; i++)
		buf_addc(&junk, (char)gen_next(&seed));
	buf_add(&junk, file.p, file.n);
	buf_adds(&junk, "\x89SPOOR\r\n and more");
	assert_int_equal(read_bytes(&got, junk.p, junk.n), 0);
	prof_check(&got);
	assert_int_equal(got.samples.n, 60);
	assert_true(has_loss(&got, "damaged chunk at byte 0"));
	prof_done(&got);
	buf_done(&file);
	buf_done(&junk);
}

static void put_le(char *p, u64 v, int bytes)
{
	for (; bytes--; v >>= 8)
		*p++ = (char)v;
}

/* Checksums that are right do not make a header true. */
static void test_lying_header(void **state)
{
	for (u64 codec = 0; codec < 4; codec++) {
		static const u64 plain[] = {0, 8, 9, 10, 5000, 1u << 30, UINT32_MAX};

		for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
			struct buf file = {0};
			struct prof got;
			char *h = xcalloc(1, 36 + 9); /* its own block: reads past it are found */

			memcpy(h, "\x89SPOOR\r\n\1\0\3", 11);
			h[11] = (char)codec;
			put_le(h + 12, 1, 4);
			put_le(h + 16, 9, 4);
			put_le(h + 20, plain[i], 4);
			put_le(h + 28, crc32c(0, h + 36, 9), 4);
			put_le(h + 32, crc32c(0, h, 32), 4);
			buf_add(&file, h, 36 + 9);
			read_bytes(&got, file.p, file.n);
			prof_check(&got);
			assert_int_equal(got.acct.in, 0);
			assert_true(has_loss(&got, "damaged chunk at byte 0") ||
				    (!codec && plain[i] == 9));
			prof_done(&got);
			buf_done(&file);
			free(h);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),	cmocka_unit_test(test_concatenated),
		cmocka_unit_test(test_cut_anywhere),	cmocka_unit_test(test_any_bit_flipped),
		cmocka_unit_test(test_garbage_between), cmocka_unit_test(test_lying_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
