// SPDX-License-Identifier: Apache-2.0
#include "test.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include "cmd/cmd_int.h"
#include "cmd/doctor_int.h"

static char out[1 << 20], errs[8192];

static void slurp(FILE *f, char *to, size_t size_bytes)
{
	rewind(f);
	to[fread(to, 1, size_bytes - 1, f)] = '\0';
	fclose(f);
}

/* Runs cmd_main() with the words of line; what it says is in out and errs. */
static int spoor(const char *line)
{
	char *words = xasprintf("spoor %s", line), *argv[32];
	FILE *to[2] = {tmpfile(), tmpfile()};
	int argc = 0, rc, saved[2] = {dup(1), dup(2)};

	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	fflush(stdout);
	for (int i = 0; i < 2; i++)
		dup2(fileno(to[i]), i + 1);
	rc = cmd_main(argc, argv);
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], i + 1);
		close(saved[i]);
	}
	slurp(to[0], out, sizeof(out));
	slurp(to[1], errs, sizeof(errs));
	free(words);
	return rc;
}

static void test_table_is_sound(void **state)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];
		bool group = false;

		for (size_t g = 0; cmd_groups[g]; g++)
			group |= !strcmp(cmd_groups[g], c->group);
		assert_true(group);
		assert_ptr_equal(cmd_find(c->name), c);
		assert_non_null(c->summary);
		assert_non_null(c->usage);
		assert_non_null(c->run);
		for (const struct opt *o = cmd_opts(c); !opt_is_end(o); o++) {
			assert_non_null(o->help);
			assert_true(o->type == OPT_GROUP || o->off < c->opts_bytes);
			assert_true(o->type != OPT_CHOICE || o->choices);
			for (const struct opt *p = cmd_opts(c); p < o; p++) {
				assert_true(!o->letter || o->letter != p->letter);
				assert_true(!o->name || !p->name || strcmp(o->name, p->name));
			}
		}
	}
}

/* The same letter never means two things. */
static void test_letters_mean_one_thing(void **state)
{
	const char *meaning[256] = {0};

	for (size_t i = 0; commands[i]; i++) {
		for (const struct opt *o = cmd_opts(commands[i]); !opt_is_end(o); o++) {
			const char **m = &meaning[(u8)o->letter];
			if (!o->letter || !o->name)
				continue;
			if (*m)
				assert_string_equal(*m, o->name);
			*m = o->name;
		}
	}
}

static void test_first_screen_fits(void **state)
{
	int lines = 0;

	assert_int_equal(spoor(""), EXIT_DONE);
	for (char *s = strtok(out, "\n"); s; s = strtok(NULL, "\n"))
		assert_true(strlen(s) <= 80);
	assert_int_equal(spoor(""), EXIT_DONE);
	for (const char *s = out; *s; s++)
		lines += *s == '\n';
	assert_true(lines <= 24);
	assert_string_equal(errs, "");
}

static void test_help_of_each(void **state)
{
	char line[100];

	for (size_t i = 0; commands[i]; i++) {
		snprintf(line, sizeof(line), "%s --help", commands[i]->name);
		assert_int_equal(spoor(line), EXIT_DONE);
		char *first = xstrdup(out);
		snprintf(line, sizeof(line), "help %s", commands[i]->name);
		assert_int_equal(spoor(line), EXIT_DONE);
		assert_string_equal(out, first);
		assert_non_null(strstr(out, "\nusage: spoor "));
		assert_non_null(strstr(out, "-h, --help"));
		for (char *s = strtok(out, "\n"); s; s = strtok(NULL, "\n"))
			if (strncmp(s, "usage: ", 7) && s[2] != '-' && strncmp(s, "  ", 2))
				assert_true(strlen(s) <= 80);
		free(first);
	}
}

static void test_version(void **state)
{
	assert_int_equal(spoor("--version"), EXIT_DONE);
	assert_true(str_starts(out, "spoor " SPOOR_VERSION));
	assert_non_null(strstr(out, "Apache-2.0"));
	assert_non_null(strstr(out, "GPL-2.0-only OR BSD-2-Clause"));
	assert_non_null(strstr(out, "libbpf 1."));
}

static void test_wrong_use(void **state)
{
	assert_int_equal(spoor("docter"), EXIT_USAGE);
	assert_string_equal(errs, "spoor: unknown command docter\ntry: spoor doctor\n");
	assert_int_equal(spoor("zzzzzzzz"), EXIT_USAGE);
	assert_string_equal(errs, "spoor: unknown command zzzzzzzz\ntry: spoor\n");
	assert_int_equal(spoor("--nope"), EXIT_USAGE);
	assert_int_equal(spoor("help hlep"), EXIT_USAGE);
	assert_string_equal(errs, "spoor: unknown command hlep\ntry: spoor help\n");
	assert_int_equal(spoor("help help help"), EXIT_USAGE);
	assert_int_equal(spoor("doctor x"), EXIT_USAGE);
	assert_string_equal(errs, "spoor: doctor: x: takes no inputs\ntry: spoor doctor --help\n");
	assert_int_equal(spoor("doctor -- x"), EXIT_USAGE);
	assert_int_equal(spoor("doctor --jsn"), EXIT_USAGE);
	assert_string_equal(out, "");
}

static void test_full_disk(void **state)
{
	int saved = dup(1), full = open("/dev/full", O_WRONLY), rc;
	char name[] = "spoor", word[] = "help", *argv[] = {name, word, word, NULL};

	fflush(stdout);
	dup2(full, 1);
	rc = cmd_main(3, argv);
	clearerr(stdout);
	dup2(saved, 1);
	close(saved);
	close(full);
	assert_int_equal(rc, EXIT_WORLD);
}

/* Every line of a page is text, or a request that we know; nothing else may start with a dot. */
static void test_man_pages(void **state)
{
	static const char *const known[] = {".\\\"", ".TH ", ".SH ", ".SS ", ".TP",
					    ".PP",   ".nf",  ".fi",  ".br"};
	char line[100];

	for (size_t i = 0; commands[i]; i++) {
		snprintf(line, sizeof(line), "help --man %s", commands[i]->name);
		assert_int_equal(spoor(line), EXIT_DONE);
		assert_non_null(strstr(out, "\n.SH NAME\n"));
		for (char *s = strtok(out, "\n"); s; s = strtok(NULL, "\n")) {
			bool ok = *s != '.' && *s != '\'';
			for (size_t k = 0; k < ARRAY_SIZE(known); k++)
				ok |= str_starts(s, known[k]);
			assert_true(ok);
		}
	}
	assert_int_equal(spoor("help --man"), EXIT_DONE);
	for (size_t i = 0; commands[i]; i++) {
		snprintf(line, sizeof(line), "spoor\\-%s", commands[i]->name);
		assert_non_null(strstr(out, line));
	}
}

/* Two functions with a frame, one without, one too short, one that leaves the code. */
static void test_frame_pointers(void **state)
{
	static const u8 frame[] = {0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5};
	struct doctor_func funcs[] = {{0x1000, 64}, {0x1040, 64}, {0x1080, 64},	   {0x10c0, 8},
				      {0x10f8, 64}, {0x500, 64},  {UINT64_MAX, 64}};
	u8 code[256] = {0};

	memcpy(code, frame, sizeof(frame));
	memcpy(code + 0x40, frame + 4, 4);
	assert_int_equal(doctor_frame_pointers(EM_X86_64, code, 256, 0x1000, funcs, 7), 66);
	assert_int_equal(doctor_frame_pointers(EM_X86_64, code, 256, 0x1000, funcs, 3), 66);
	assert_int_equal(doctor_frame_pointers(EM_X86_64, code, 0, 0x1000, funcs, 7), -1);
	memcpy(code + 4, "\xfd\x7b\xbe\xa9", 4); /* stp x29, x30, [sp, #-32]! */
	assert_int_equal(doctor_frame_pointers(EM_AARCH64, code, 256, 0x1000, funcs, 1), 100);
	assert_int_equal(doctor_frame_pointers(EM_AARCH64, code, 256, 0x1000, funcs + 2, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_sound),
		cmocka_unit_test(test_letters_mean_one_thing),
		cmocka_unit_test(test_first_screen_fits),
		cmocka_unit_test(test_help_of_each),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_wrong_use),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_man_pages),
		cmocka_unit_test(test_frame_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
