// SPDX-License-Identifier: Apache-2.0
#include "test.h"

#include <unistd.h>

struct o {
	bool all, quiet;
	u8 verbose;
	u64 freq, dur, size;
	const char *out, *by;
	double pct;
	struct opt_list pids;
};
#define AT(m) offsetof(struct o, m)
static const struct opt opts[] = {
	{0, NULL, OPT_GROUP, .help = "What to record"},
	{'a', "all", OPT_FLAG, AT(all), .help = "The whole machine."},
	{'p', "pid", OPT_LIST, AT(pids), "PID", "These processes."},
	{'F', "freq", OPT_U64, AT(freq), "HZ", "Samples a second.", .min = 1, .max = 10000},
	{'d', NULL, OPT_DUR, AT(dur), "TIME", "How long.", .min = 1000, .max = 3600 * NSEC_PER_SEC},
	{0, "ring", OPT_SIZE, AT(size), "BYTES", "Size of the ring."},
	{'o', "output", OPT_STR, AT(out), "FILE", "Where to."},
	{0, "by", OPT_CHOICE, AT(by), NULL, "What a row is.", "function|process|thread"},
	{0, "budget", OPT_PCT, AT(pct), "PCT", "Most that it may cost."},
	{'q', "quiet", OPT_FLAG, AT(quiet), .help = "Less."},
	{'v', "verbose", OPT_COUNT, AT(verbose), .help = "More."},
	OPT_END,
};

static struct arena arena;
static struct o got;
static struct opt_result res;
static char said[8192];

/* Parses one line of words; keeps what went to stderr in said. */
static int parse(const char *line)
{
	char *argv[64];
	int argc = 0, rc, saved = dup(2);
	FILE *f = tmpfile();

	for (char *w = strtok(arena_strndup(&arena, line, strlen(line)), " "); w;
	     w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	memset(&got, 0, sizeof(got));
	fflush(stderr);
	dup2(fileno(f), 2);
	rc = opt_parse(&arena, "record", opts, &got, argc, argv, &res);
	dup2(saved, 2);
	close(saved);
	rewind(f);
	said[fread(said, 1, sizeof(said) - 1, f)] = '\0';
	fclose(f);
	return rc;
}

static void refused(const char *line, const char *message)
{
	assert_int_equal(parse(line), -EINVAL);
	assert_string_equal(said, message);
}

static void test_all_spellings(void **state)
{
	const char *lines[] = {"-aF 99 -o x in1 -d 500ms", "-F99 -a -ox in1 -d0.5s",
			       "--freq=99 in1 --all --output x -d 500ms",
			       "in1 --freq 99 -a --output=x -d 500ms"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(parse(lines[i]), 0);
		assert_string_equal(said, "");
		assert_true(got.all);
		assert_int_equal(got.freq, 99);
		assert_int_equal(got.dur, 500000000);
		assert_string_equal(got.out, "x");
		assert_int_equal(res.inputs.n, 1);
		assert_string_equal(res.inputs.v[0], "in1");
		assert_null(res.rest);
	}
}

static void test_values(void **state)
{
	assert_int_equal(parse("-p 1,2 -qvv --pid 30 --ring 64K --by thread --budget 2.5% -p4"), 0);
	assert_int_equal(got.pids.n, 4);
	assert_string_equal(got.pids.v[0], "1");
	assert_string_equal(got.pids.v[1], "2");
	assert_string_equal(got.pids.v[2], "30");
	assert_string_equal(got.pids.v[3], "4");
	assert_int_equal(got.verbose, 2);
	assert_true(got.quiet);
	assert_int_equal(got.size, 65536);
	assert_string_equal(got.by, "thread");
	assert_true(got.pct == 2.5);
}

static void test_long_list(void **state)
{
	char line[4000] = "-p 0";

	for (int i = 1; i < 500; i++)
		sprintf(line + strlen(line), ",%d", i);
	assert_int_equal(parse(line), 0);
	assert_int_equal(got.pids.n, 500);
	for (int i = 0; i < 500; i++)
		assert_int_equal(atoi(got.pids.v[i]), i);
}

static void test_operands(void **state)
{
	assert_int_equal(parse("a - -a b -- -F x"), 0);
	assert_int_equal(res.inputs.n, 3);
	assert_string_equal(res.inputs.v[1], "-");
	assert_string_equal(res.inputs.v[2], "b");
	assert_string_equal(res.rest[0], "-F");
	assert_string_equal(res.rest[1], "x");
	assert_null(res.rest[2]);
	assert_int_equal(got.freq, 0);
	assert_int_equal(parse("-o - --"), 0);
	assert_string_equal(got.out, "-");
	assert_null(res.rest[0]);
}

static void test_help(void **state)
{
	assert_int_equal(parse("--frequncy -h"), 0);
	assert_true(res.help);
	assert_int_equal(parse("-- ls -h"), 0);
	assert_false(res.help);
	assert_int_equal(parse("-ah"), 0);
	assert_true(res.help);
}

static void test_mistakes_are_explained(void **state)
{
	refused("--frequncy 99", "spoor: record: unknown option --frequncy\ntry: --freq\n");
	refused("--frq=9", "spoor: record: unknown option --frq\ntry: --freq\n");
	refused("--fre 9", "spoor: record: unknown option --fre\ntry: --freq\n");
	refused("-f 99", "spoor: record: unknown option -f\ntry: -F\n");
	refused("-budget", "spoor: record: unknown option -b\ntry: --budget\n");
	refused("--zzzzzz", "spoor: record: unknown option --zzzzzz\ntry: spoor record --help\n");
	refused("--by funcion", "spoor: record: --by funcion: not one of function|process|thread\n"
				"try: --by function\n");
	refused("--all=1", "spoor: record: --all takes no argument\ntry: --all\n");
	refused("-F0", "spoor: record: -F 0: must be 1 to 10000\ntry: spoor record --help\n");
	refused("--freq=x", "spoor: record: --freq x: not a number\ntry: spoor record --help\n");
	refused("-o", "spoor: record: -o needs FILE\ntry: spoor record --help\n");
	refused("-p 1,,2", "spoor: record: -p 1,,2: an empty item\ntry: spoor record --help\n");
	refused("--x\033[2J",
		"spoor: record: unknown option --x\\x1b[2J\ntry: spoor record --help\n");
}

static void test_forgotten_argument(void **state)
{
	refused("-o -F 99", "spoor: record: -o needs FILE\ntry: spoor record --help\n");
	assert_int_equal(got.freq, 99);
	refused("-o -- ls", "spoor: record: -o needs FILE\ntry: spoor record --help\n");
	assert_int_equal(parse("--output=-F"), 0);
	assert_string_equal(got.out, "-F");
}

static void test_percentages(void **state)
{
	const char *bad[] = {"nan", "inf", "0x10", "%", "5%%", "-1", "1e3", ".", "5% "};
	char line[40];

	for (size_t i = 0; i < ARRAY_SIZE(bad) - 1; i++) {
		snprintf(line, sizeof(line), "--budget=%s", bad[i]);
		assert_int_equal(parse(line), -EINVAL);
	}
	assert_int_equal(parse("--budget=.5"), 0);
	assert_true(got.pct == .5);
}

static size_t count(const char *s, const char *what)
{
	size_t n = 0;

	for (; (s = strstr(s, what)); s++)
		n++;
	return n;
}

static void test_all_mistakes_at_once(void **state)
{
	char line[400] = "--by x -F x -d x --ring x";

	assert_int_equal(parse(line), -EINVAL);
	assert_int_equal(count(said, "spoor: record: "), 4);
	assert_int_equal(count(said, "try: "), 1);
	for (int i = 0; i < 30; i++)
		strcat(line, " --no");
	assert_int_equal(parse(line), -EINVAL);
	assert_int_equal(count(said, "spoor: record: "), 20);
	assert_non_null(strstr(said, "spoor: and 14 more mistakes\n"));
}

static void test_nearest(void **state)
{
	const char *const names[] = {"record", "report", "flame", "info"};

	assert_string_equal(opt_nearest("recrod", names, 4), "record");
	assert_string_equal(opt_nearest("repor", names, 4), "report");
	assert_string_equal(opt_nearest("flamegraph", names, 4), "flame");
	assert_null(opt_nearest("", names, 4));
	assert_null(opt_nearest("x", names, 4));
	assert_null(opt_nearest("convert", names, 4));
	assert_null(opt_nearest(
		"flaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", names, 4));
}

static void test_help_text(void **state)
{
	struct buf b = {0};

	opt_help(&b, opts, 60);
	assert_non_null(strstr(b.p, "What to record:\n"
				    "  -a, --all               The whole machine.\n"
				    "  -p, --pid PID           These processes.\n"));
	assert_non_null(strstr(b.p, "      --ring BYTES        Size of the ring.\n"));
	assert_non_null(strstr(b.p, "      --by function|process|thread\n"
				    "                          What a row is.\n"));
	assert_non_null(strstr(b.p, "  -h, --help              show this help\n"));
	buf_done(&b);
}

static void test_wrap(void **state)
{
	struct buf b = {0};

	opt_wrap(&b, "one two three\nfour\n\n  kept as  it is\n\nfive", 2, 10);
	assert_string_equal(b.p, "  one two\n  three\n  four\n\n    kept as  it is\n\n  five\n");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_spellings),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_long_list),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_mistakes_are_explained),
		cmocka_unit_test(test_forgotten_argument),
		cmocka_unit_test(test_percentages),
		cmocka_unit_test(test_all_mistakes_at_once),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_help_text),
		cmocka_unit_test(test_wrap),
	};
	int rc;

	arena_init(&arena);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_done(&arena);
	return rc;
}
