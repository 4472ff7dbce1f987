// SPDX-License-Identifier: Apache-2.0
#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static void test_err_adds_reason(void **state)
{
	assert_int_equal(err(-ENOENT, "cannot open %s", "x"), -ENOENT);
	assert_string_equal(err_msg(), "cannot open x: No such file or directory");
	err_ctx(-ENOENT, "loading %d", 7);
	assert_string_equal(err_msg(), "loading 7: cannot open x: No such file or directory");
	err(-EINVAL, "line 3: bad count");
	assert_string_equal(err_msg(), "line 3: bad count");
	err_clear();
	assert_string_equal(err_msg(), "");
}

static void test_vec_grows_through_mapping(void **state)
{
	VEC(u64) v = {0};
	u64 i;

	for (i = 0; i < 1000003; i++)
		vec_push(&v, i * 3);
	for (i = 0; i < v.n; i++)
		assert_true(v.v[i] == i * 3);
	vec_done(&v);
	assert_null(v.v);
}

static void test_map_against_array(void **state)
{
	static bool in[4096];
	struct map m = {0};
	size_t n = 0, pos = 0, seen = 0, i;
	u64 x = 1, key, value;

	for (i = 0; i < 200000; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		key = x >> 52;
		if (x & 1 << 20) {
			*map_put(&m, key) = key + 1;
			n += !in[key];
			in[key] = true;
		} else {
			assert_int_equal(map_del(&m, key), in[key]);
			n -= in[key];
			in[key] = false;
		}
		assert_int_equal(m.n, n);
	}
	for (key = 0; key < ARRAY_SIZE(in); key++)
		assert_int_equal(map_get(&m, key) != NULL, in[key]);
	while (map_next(&m, &pos, &key, &value)) {
		assert_true(in[key]);
		assert_int_equal(value, key + 1);
		seen++;
	}
	assert_int_equal(seen, n);
	map_done(&m);
}

static void test_intern_dense_and_stable(void **state)
{
	struct intern in = {0};
	char name[32];
	u32 i;

	assert_int_equal(intern_adds(&in, ""), 0);
	for (i = 1; i < 5000; i++) {
		snprintf(name, sizeof(name), "name%u", i);
		assert_int_equal(intern_adds(&in, name), i);
	}
	assert_int_equal(intern_add(&in, "name17xyz", 6), 17);
	assert_string_equal(intern_str(&in, 4999), "name4999");
	assert_int_equal(intern_len(&in, 4999), 8);
	assert_int_equal(intern_count(&in), 5000);
	intern_done(&in);
	assert_string_equal(intern_str(&in, 0), "");
}

static void test_varint_round_trip_and_bounds(void **state)
{
	static const u64 values[] = {0, 1, 127, 128, 300, 1ull << 32, INT64_MAX};
	static const u8 endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
	struct buf b = {0};
	struct rd r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		buf_uvarint(&b, values[i]);
		buf_svarint(&b, -(s64)values[i]);
	}
	buf_uvarint(&b, UINT64_MAX);
	r = (struct rd){(u8 *)b.p, (u8 *)b.p + b.n, false};
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		assert_true(rd_uvarint(&r) == values[i]);
		assert_true(rd_svarint(&r) == -(s64)values[i]);
	}
	assert_true(rd_uvarint(&r) == UINT64_MAX);
	assert_false(r.bad);
	assert_int_equal(rd_u32(&r), 0);
	assert_true(r.bad);
	r = (struct rd){endless, endless + sizeof(endless), false};
	rd_uvarint(&r);
	assert_true(r.bad);
	buf_done(&b);
}

static void test_parse_units(void **state)
{
	u64 v;

	assert_int_equal(parse_dur_ns("10", &v), 0);
	assert_true(v == 10 * NSEC_PER_SEC);
	assert_int_equal(parse_dur_ns("1.5ms", &v), 0);
	assert_true(v == 1500000);
	assert_int_equal(parse_size("64K", &v), 0);
	assert_true(v == 65536);
	assert_int_equal(parse_dur_ns("", &v), -EINVAL);
	assert_int_equal(parse_dur_ns("-1s", &v), -EINVAL);
	assert_int_equal(parse_dur_ns("1e3", &v), -EINVAL);
	assert_int_equal(parse_dur_ns("5 s", &v), -EINVAL);
	assert_int_equal(parse_dur_ns("99999999999999h", &v), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551616", &v), -EINVAL);
	assert_int_equal(parse_u64("0x1f", &v), 0);
	assert_true(v == 31);
}

static void test_parse_cpulist(void **state)
{
	struct buf b = {0};

	assert_int_equal(parse_cpulist("0-2,5\n", &b), 0);
	assert_int_equal(b.n, 6);
	assert_memory_equal(b.p, "\1\1\1\0\0\1", 6);
	buf_reset(&b);
	assert_int_equal(parse_cpulist("3-1", &b), -EINVAL);
	assert_int_equal(parse_cpulist("99999", &b), -EINVAL);
	assert_int_equal(parse_cpulist("", &b), -EINVAL);
	buf_done(&b);
}

static void test_escape_each_place(void **state)
{
	static const char nasty[] = "<img src=x onerror='a'>\"&\x1b[2J\xff\xe2\x80\xa8]]>";
	struct buf b = {0};

	esc_xml(&b, nasty, sizeof(nasty) - 1);
	assert_string_equal(b.p, "&lt;img src=x onerror=&#39;a&#39;&gt;&quot;&amp;\xef\xbf\xbd[2J"
				 "\xef\xbf\xbd\xe2\x80\xa8]]&gt;");
	buf_reset(&b);
	esc_json(&b, nasty, sizeof(nasty) - 1);
	assert_string_equal(b.p, "\\u003cimg src=x onerror='a'\\u003e\\\"\\u0026\xef\xbf\xbd[2J"
				 "\xef\xbf\xbd\\u2028]]\\u003e");
	buf_reset(&b);
	esc_term(&b, nasty, sizeof(nasty) - 1);
	assert_non_null(strstr(b.p, "\\x1b[2J\\xff"));
	buf_done(&b);
}

static void test_utf8_refuses_what_is_not(void **state)
{
	assert_int_equal(utf8_len("\xc0\x80", 2), 0);	      /* overlong */
	assert_int_equal(utf8_len("\xed\xa0\x80", 3), 0);     /* surrogate */
	assert_int_equal(utf8_len("\xf4\x90\x80\x80", 4), 0); /* above U+10FFFF */
	assert_int_equal(utf8_len("\xe2\x82", 2), 0);	      /* cut off */
	assert_int_equal(utf8_len("\xe2\x82\xac", 3), 3);
}

static void test_glob(void **state)
{
	assert_true(str_glob("*", ""));
	assert_true(str_glob("a*c?e", "abbbcde"));
	assert_false(str_glob("a*c", "abcd"));
	assert_true(str_glob("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaab"));
}

static void test_numbers_for_people(void **state)
{
	char s[32];

	assert_string_equal(fmt_count(s, 1234567), "1,234,567");
	assert_string_equal(fmt_count(s, 12), "12");
	assert_string_equal(fmt_size(s, 1234567), "1.2 MB");
	assert_string_equal(fmt_dur(s, 12345678), "12.35 ms");
	assert_string_equal(fmt_dur(s, 10 * NSEC_PER_SEC), "10 s");
}

static void test_crc32c_known_answer(void **state)
{
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
}

static void read_whole(struct in *in, struct buf *b)
{
	char block[777];
	ssize_t k;

	while ((k = in_read(in, block, sizeof(block))) > 0)
		buf_add(b, block, (size_t)k);
	assert_int_equal(k, 0);
}

static void gzip_into(struct buf *packed, const struct buf *text)
{
	z_stream z = {0};

	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, 0);
	packed->cap = deflateBound(&z, text->n) + 32;
	packed->p = xrealloc(packed->p, packed->cap);
	z.next_in = (Bytef *)text->p;
	z.avail_in = (uInt)text->n;
	z.next_out = (Bytef *)packed->p;
	z.avail_out = (uInt)packed->cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	packed->n = z.total_out;
	deflateEnd(&z);
}

static void zstd_into(struct buf *packed, const struct buf *text)
{
	packed->cap = ZSTD_compressBound(text->n);
	packed->p = xrealloc(packed->p, packed->cap);
	packed->n = ZSTD_compress(packed->p, packed->cap, text->p, text->n, 1);
}

static void check_decoded(const struct buf *packed, const struct buf *text)
{
	struct in *in = in_mem(packed->p, packed->n, "mem");
	struct buf got = {0};
	const char *head;

	assert_int_equal(in_peek(in, &head), 65536);
	assert_memory_equal(head, text->p, 65536);
	read_whole(in, &got);
	assert_int_equal(got.n, text->n);
	assert_memory_equal(got.p, text->p, text->n);
	in_close(in);
	buf_done(&got);
}

/* Compressed data that was cut off is an error, not a short success. */
static void check_cut(const struct buf *packed)
{
	struct in *in = in_mem(packed->p, packed->n - 9, "mem");
	char block[512];

	while (in_read(in, block, sizeof(block)) > 0)
		;
	assert_int_equal(in_read(in, block, sizeof(block)), -EBADMSG);
	in_close(in);
}

static void test_in_decodes_by_content(void **state)
{
	struct buf text = {0}, packed = {0};
	int i;

	for (i = 0; i < 40000; i++)
		buf_addf(&text, "line %d\n", i);
	check_decoded(&text, &text);
	gzip_into(&packed, &text);
	check_decoded(&packed, &text);
	check_cut(&packed);
	zstd_into(&packed, &text);
	check_decoded(&packed, &text);
	check_cut(&packed);
	buf_done(&text);
	buf_done(&packed);
}

static void test_out_is_atomic(void **state)
{
	char path[] = "/tmp/spoor-test-XXXXXX";
	struct stat st;
	struct out *o;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
	o = out_open(path, true);
	assert_non_null(o);
	out_printf(o, "%s", "something new");
	assert_int_equal(out_flush(o), 0);
	stat(path, &st);
	assert_int_equal(st.st_size, 3); /* still the old one */
	out_abort(o);
	stat(path, &st);
	assert_int_equal(st.st_size, 3);
	o = out_open(path, true);
	out_puts(o, "something new");
	assert_int_equal(out_close(o), 0);
	stat(path, &st);
	assert_int_equal(st.st_size, 13);
	unlink(path);
	assert_null(out_open("/nonexistent/x", true));
	assert_non_null(strstr(err_msg(), "/nonexistent/x"));
}

static void test_out_remembers_a_full_disk(void **state)
{
	struct out *o = out_open("/dev/full", true);

	assert_non_null(o);
	out_puts(o, "x");
	assert_int_equal(out_flush(o), -ENOSPC);
	out_puts(o, "y");
	assert_int_equal(out_error(o), -ENOSPC);
	assert_int_equal(out_close(o), -ENOSPC);
}

static void test_arena(void **state)
{
	struct arena a = {0};
	char *first = arena_strndup(&a, "abc", 3), *big = arena_alloc(&a, 1 << 20);
	int i;

	for (i = 0; i < 10000; i++)
		assert_int_equal(((uintptr_t)arena_alloc(&a, (size_t)i % 100)) % 8, 0);
	assert_string_equal(first, "abc");
	assert_int_equal(big[(1 << 20) - 1], 0);
	arena_done(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_adds_reason),
		cmocka_unit_test(test_vec_grows_through_mapping),
		cmocka_unit_test(test_map_against_array),
		cmocka_unit_test(test_intern_dense_and_stable),
		cmocka_unit_test(test_varint_round_trip_and_bounds),
		cmocka_unit_test(test_parse_units),
		cmocka_unit_test(test_parse_cpulist),
		cmocka_unit_test(test_escape_each_place),
		cmocka_unit_test(test_utf8_refuses_what_is_not),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_numbers_for_people),
		cmocka_unit_test(test_crc32c_known_answer),
		cmocka_unit_test(test_in_decodes_by_content),
		cmocka_unit_test(test_out_is_atomic),
		cmocka_unit_test(test_out_remembers_a_full_disk),
		cmocka_unit_test(test_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
