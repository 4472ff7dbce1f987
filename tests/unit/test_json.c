// SPDX-License-Identifier: Apache-2.0
#include "test.h"

#include <math.h>

static struct buf text;
static struct out *out;
static struct json j;

static void start(bool pretty)
{
	buf_reset(&text);
	out = out_mem(&text);
	json_init(&j, out, pretty);
}

static void is(const char *want)
{
	json_done(&j);
	assert_int_equal(out_close(out), 0);
	assert_string_equal(buf_str(&text), want);
}

static void test_compact(void **state)
{
	start(false);
	json_obj(&j, NULL);
	json_str(&j, "a", "x\"\n<");
	json_arr(&j, "list");
	json_u64(&j, NULL, UINT64_MAX);
	json_s64(&j, NULL, INT64_MIN);
	json_obj(&j, NULL);
	json_end(&j);
	json_arr(&j, NULL);
	json_end(&j);
	json_end(&j);
	json_bool(&j, "yes", true);
	json_str(&j, "none", NULL);
	json_strn(&j, "part", "abcdef", 3);
	json_end(&j);
	is("{\"a\":\"x\\\"\\n\\u003c\",\"list\":[18446744073709551615,-9223372036854775808,{},[]],"
	   "\"yes\":true,\"none\":null,\"part\":\"abc\"}\n");
}

static void test_pretty(void **state)
{
	start(true);
	json_obj(&j, NULL);
	json_u64(&j, "a", 1);
	json_arr(&j, "b");
	json_u64(&j, NULL, 2);
	json_end(&j);
	json_arr(&j, "c");
	json_end(&j);
	json_end(&j);
	is("{\n  \"a\": 1,\n  \"b\": [\n    2\n  ],\n  \"c\": []\n}\n");
}

static void test_numbers(void **state)
{
	start(false);
	json_arr(&j, NULL);
	json_num(&j, NULL, 0.1);
	json_num(&j, NULL, 1.0 / 3);
	json_num(&j, NULL, 5);
	json_num(&j, NULL, NAN);
	json_num(&j, NULL, -INFINITY);
	json_end(&j);
	is("[0.1,0.33333333333333331,5,null,null]\n");
}

static void test_lines(void **state)
{
	start(false);
	for (int i = 0; i < 2; i++) {
		json_obj(&j, NULL);
		json_u64(&j, "i", (u64)i);
		json_end(&j);
	}
	is("{\"i\":0}\n{\"i\":1}\n");
}

static void test_much_is_flushed(void **state)
{
	start(false);
	json_arr(&j, NULL);
	for (int i = 0; i < 100000; i++)
		json_u64(&j, NULL, 7);
	assert_true(j.b.n < 100000);
	json_end(&j);
	json_done(&j);
	assert_int_equal(out_close(out), 0);
	assert_int_equal(text.n, 200002);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compact),		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_numbers),		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_much_is_flushed),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	buf_done(&text);
	return rc;
}
