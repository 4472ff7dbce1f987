// SPDX-License-Identifier: Apache-2.0
/* Report, trees, info and summary against profiles whose truth is known. */
#include "test.h"

#include "view/view.h"
#include "view/view_int.h"

/* ---- profiles from text ---------------------------------------------------------------------- */

/* "@bash" a process, "k:f" kernel, "m:f" in libm, "?libx" an address in libx, "--" a mark. */
static u32 frame_of(struct prof *p, const char *s, size_t n)
{
	static u64 address;
	struct prof_frame f = {.kind = FRAME_USER};
	const char *module = "/usr/bin/app";
	char text[256];

	snprintf(text, sizeof(text), "%.*s", (int)n, s);
	s = text;
	if (*s == '@') {
		f.kind = FRAME_COMM;
		module = "";
		s++;
	} else if (str_starts(s, "k:")) {
		f.kind = FRAME_KERNEL;
		module = "[kernel.kallsyms]";
		s += 2;
	} else if (str_starts(s, "m:")) {
		module = "/usr/lib/libm.so.6";
		s += 2;
	} else if (*s == '?') {
		f.flags = FRAME_UNKNOWN;
		f.offset = ++address;
		module = s + 1;
		s = "[unknown]";
	} else if (!strcmp(s, "--")) {
		f.kind = FRAME_MARK;
		module = "";
	}
	f.name = prof_string(p, s, strlen(s));
	f.module = prof_string(p, module, strlen(module));
	return prof_frame_id(p, &f);
}

static u32 stack_of(struct prof *p, const char *folded)
{
	u32 node = 0;

	while (*folded) {
		size_t n = strcspn(folded, ";");

		node = prof_node(p, node, frame_of(p, folded, n));
		folded += n + (folded[n] == ';');
	}
	return node;
}

static void add(struct prof *p, const char *folded, u64 weight)
{
	prof_add(p, stack_of(p, folded), 0, weight);
}

static void sample(struct prof *p, const char *folded, u32 pid, u32 tid, const char *comm, u16 cpu,
		   u64 n)
{
	u32 thread = prof_thread_id(p, pid, tid, prof_string(p, comm, strlen(comm)));
	struct prof_sample s = {.node = stack_of(p, folded), .thread = thread, .cpu = cpu};

	while (n--) {
		s.time_ns += 1000;
		prof_sample_add(p, &s);
	}
}

static const struct group *group_of(const struct groups *g, const struct prof *p, const char *name)
{
	struct buf b = {0};
	const struct group *found = NULL;
	u32 i;

	for (i = 0; i < g->v.n; i++) {
		buf_reset(&b);
		group_name(g, p, i, true, &b);
		if (!strcmp(buf_str(&b), name))
			found = &g->v.v[i];
	}
	buf_done(&b);
	assert_non_null(found);
	return found;
}

static void assert_group(const struct groups *g, const struct prof *p, const char *name, u64 self,
			 u64 total)
{
	const struct group *gr = group_of(g, p, name);

	assert_int_equal(gr->self, self);
	assert_int_equal(gr->total, total);
}

static char *render(const struct prof *p, const struct report_opts *o)
{
	struct buf b = {0};
	struct out *out = out_mem(&b);

	assert_int_equal(view_report(p, o, out), 0);
	assert_int_equal(out_close(out), 0);
	buf_addc(&b, '\0');
	return b.p;
}

/* The lines after those that begin with #. */
static const char *body(const char *text)
{
	while (*text == '#')
		text = strchr(text, '\n') + 1;
	return text;
}

static void assert_body(const struct prof *p, const struct report_opts *o, const char *want)
{
	char *got = render(p, o);

	assert_string_equal(body(got), want);
	free(got);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static void test_recursion_counts_once_for_each_stack(void **state)
{
	struct groups g;
	struct prof p;

	prof_init(&p);
	add(&p, "@a;main;f;f;g", 10);
	add(&p, "@a;main;f", 5);
	add(&p, "@a;main;g;f;g", 1);
	prof_finish(&p);
	groups_init(&g, &p, GROUP_FUNCTION, 0);
	assert_int_equal(g.sum, 16);
	assert_group(&g, &p, "main", 0, 16);
	assert_group(&g, &p, "f", 5, 16);
	assert_group(&g, &p, "g", 11, 11);
	assert_group(&g, &p, "[no stack]", 0, 0);
	groups_done(&g, &p);
	prof_done(&p);
}

static void test_stacks_without_code_are_counted(void **state)
{
	struct groups g;
	struct prof p;

	prof_init(&p);
	add(&p, "@a", 3);
	add(&p, "", 2);
	add(&p, "@a;f", 1);
	prof_finish(&p);
	groups_init(&g, &p, GROUP_FUNCTION, 0);
	assert_group(&g, &p, "[no stack]", 5, 5);
	assert_group(&g, &p, "f", 1, 1);
	groups_done(&g, &p);
	prof_done(&p);
}

static void test_unknown_addresses_are_one_row_a_module(void **state)
{
	struct groups g;
	struct prof p;

	prof_init(&p);
	add(&p, "@a;?/lib/x.so;?/lib/x.so", 3);
	add(&p, "@a;?/lib/x.so", 4);
	add(&p, "@a;?/lib/y.so", 5);
	prof_finish(&p);
	groups_init(&g, &p, GROUP_FUNCTION, 0);
	assert_group(&g, &p, "[x.so: no symbols]", 7, 7);
	assert_group(&g, &p, "[unknown]", 5, 5);
	groups_done(&g, &p);
	groups_init(&g, &p, GROUP_MODULE, 0);
	assert_group(&g, &p, "/lib/x.so", 7, 7);
	assert_group(&g, &p, "/lib/y.so", 5, 5);
	groups_done(&g, &p);
	prof_done(&p);
}

static u64 rnd(u64 *x, u64 below)
{
	*x = *x * 6364136223846793005ull + 1442695040888963407ull;
	return (*x >> 33) % below;
}

/* Against the definition, stack by stack. */
static void test_groups_against_brute_force(void **state)
{
	u64 self[8] = {0}, total[8] = {0}, sum = 0, x = 42;
	struct groups g;
	struct prof p;
	int i;

	prof_init(&p);
	for (i = 0; i < 3000; i++) {
		u64 depth = 1 + rnd(&x, 9), w = rnd(&x, 5), d;
		bool in[8] = {false};
		char text[64] = "@p", name[8];
		int f = 0;

		for (d = 0; d < depth; d++) {
			f = (int)rnd(&x, 8);
			in[f] = true;
			snprintf(name, sizeof(name), ";f%d", f);
			strcat(text, name);
		}
		self[f] += w;
		sum += w;
		for (f = 0; f < 8; f++)
			total[f] += in[f] ? w : 0;
		add(&p, text, w);
	}
	prof_finish(&p);
	groups_init(&g, &p, GROUP_FUNCTION, 0);
	assert_int_equal(g.sum, sum);
	for (i = 0; i < 8; i++) {
		char name[8];

		snprintf(name, sizeof(name), "f%d", i);
		assert_group(&g, &p, name, self[i], total[i]);
	}
	groups_done(&g, &p);
	prof_done(&p);
}

/* ---- owners ---------------------------------------------------------------------------------- */

static const struct owner *owner_of(const struct owners *o, u32 pid, u32 tid)
{
	size_t i;

	for (i = 0; i < o->v.n; i++)
		if (o->v.v[i].pid == pid && o->v.v[i].tid == tid)
			return &o->v.v[i];
	return NULL;
}

static u64 owners_sum(const struct owners *o)
{
	u64 sum = 0;
	size_t i;

	for (i = 0; i < o->v.n; i++)
		sum += o->v.v[i].weight;
	return sum;
}

static void make_threads(struct prof *p)
{
	prof_init(p);
	sample(p, "@bash;x", 10, 10, "bash", 0, 1);
	sample(p, "@make;x", 10, 10, "make", 0, 4); /* the same process after exec */
	sample(p, "@worker;x", 10, 11, "worker", 1, 100);
	sample(p, "@cc;x", 20, 20, "cc", 1, 7);
	sample(p, "@cc;x", 21, 21, "cc", 3, 8);
	add(p, "@folded;y", 30); /* from no sample */
	prof_finish(p);
}

static void test_process_is_named_after_its_main_thread(void **state)
{
	const struct owner *ow;
	struct owners o;
	struct prof p;

	make_threads(&p);
	assert_int_equal(owners_init(&o, &p, BY_PROCESS, 0), 0);
	assert_int_equal(owners_sum(&o), 150);
	ow = owner_of(&o, 10, UINT32_MAX);
	assert_non_null(ow);
	assert_string_equal(prof_str(&p, ow->comm), "make");
	assert_int_equal(ow->weight, 105);
	assert_int_equal(ow->n_threads, 2);
	ow = owner_of(&o, UINT32_MAX, UINT32_MAX);
	assert_non_null(ow);
	assert_string_equal(prof_str(&p, ow->comm), "folded");
	assert_int_equal(ow->weight, 30);
	owners_done(&o);
	prof_done(&p);
}

static void test_threads_cpus_and_names_add_up(void **state)
{
	const struct owner *ow;
	struct owners o;
	struct prof p;
	size_t i;

	make_threads(&p);
	assert_int_equal(owners_init(&o, &p, BY_THREAD, 0), 0);
	assert_int_equal(owners_sum(&o), 150);
	ow = owner_of(&o, 10, 11);
	assert_int_equal(ow->weight, 100);
	owners_done(&o);
	assert_int_equal(owners_init(&o, &p, BY_CPU, 0), 0);
	assert_int_equal(owners_sum(&o), 150);
	assert_int_equal(o.v.n, 4);
	assert_int_equal(o.v.v[1].cpu, 1);
	assert_int_equal(o.v.v[1].weight, 107);
	assert_int_equal(o.v.v[3].cpu, NONE);
	assert_int_equal(o.v.v[3].weight, 30);
	owners_done(&o);
	assert_int_equal(owners_init(&o, &p, BY_NAME, 0), 0);
	assert_int_equal(owners_sum(&o), 150);
	for (i = 0; i < o.v.n; i++)
		if (!strcmp(prof_str(&p, o.v.v[i].comm), "cc"))
			break;
	assert_int_equal(o.v.v[i].weight, 15);
	assert_int_equal(o.v.v[i].n_pids, 2);
	owners_done(&o);
	prof_done(&p);
}

static void test_folded_text_has_names_but_no_threads(void **state)
{
	struct owners o;
	struct prof p;

	prof_init(&p);
	add(&p, "@a;x;y", 1);
	add(&p, "@b;x", 2);
	prof_finish(&p);
	assert_int_equal(owners_init(&o, &p, BY_PROCESS, 0), 0);
	assert_int_equal(o.v.n, 2);
	assert_int_equal(owners_sum(&o), 3);
	owners_done(&o);
	assert_int_equal(owners_init(&o, &p, BY_CPU, 0), -EINVAL);
	assert_non_null(strstr(err_msg(), "without CPUs"));
	assert_int_equal(owners_init(&o, &p, BY_THREAD, 0), -EINVAL);
	prof_done(&p);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void make_tree(struct prof *p)
{
	prof_init(p);
	add(p, "@app;main;parse;read;k:copy", 20);
	add(p, "@app;main;parse", 10);
	add(p, "@app;main;run;m:sin", 40);
	add(p, "@app;main;run;m:cos", 20);
	add(p, "@app;main;run;run;k:copy", 9);
	add(p, "@sh;loop", 1);
	prof_finish(p);
}

static void test_table_by_function(void **state)
{
	struct report_opts o = {.column = ~0u, .limit = 4};
	struct prof p;

	make_tree(&p);
	assert_body(&p, &o,
		    "SELF%  TOTAL%  SAMPLES  FUNCTION  MODULE\n"
		    " 40.0    40.0       40  sin       libm.so.6\n"
		    " 29.0    29.0       29  copy      [kernel]\n"
		    " 20.0    20.0       20  cos       libm.so.6\n"
		    " 10.0    30.0       10  parse     app\n"
		    "# 4 more, together 1.0 % self (--limit 0 shows all)\n");
	o.sort = SORT_TOTAL;
	o.limit = 0;
	o.min_pct = 30.0;
	assert_body(&p, &o,
		    "SELF%  TOTAL%  SAMPLES  FUNCTION  MODULE\n"
		    "  0.0    99.0        0  main      app\n"
		    "  0.0    69.0        0  run       app\n"
		    " 40.0    40.0       40  sin       libm.so.6\n"
		    " 10.0    30.0       10  parse     app\n"
		    "# 4 more, together 50.0 % self\n");
	prof_done(&p);
}

static void test_table_by_file_and_name_order(void **state)
{
	struct report_opts o = {.column = ~0u, .by = BY_FILE};
	struct prof p;

	make_tree(&p);
	assert_body(&p, &o,
		    "SELF%  TOTAL%  SAMPLES  FILE\n"
		    " 60.0    60.0       60  /usr/lib/libm.so.6\n"
		    " 29.0    29.0       29  [kernel.kallsyms]\n"
		    " 11.0   100.0       11  /usr/bin/app\n");
	o.by = BY_FUNCTION;
	o.sort = SORT_NAME;
	o.limit = 3;
	assert_body(&p, &o,
		    "SELF%  TOTAL%  SAMPLES  FUNCTION  MODULE\n"
		    " 29.0    29.0       29  copy      [kernel]\n"
		    " 20.0    20.0       20  cos       libm.so.6\n"
		    "  1.0     1.0        1  loop      app\n"
		    "# 5 more, together 50.0 % self (--limit 0 shows all)\n");
	prof_done(&p);
}

static void test_ties_are_in_order_of_names(void **state)
{
	struct report_opts o = {.column = ~0u};
	struct prof p;

	prof_init(&p);
	add(&p, "@a;zz", 1);
	add(&p, "@a;mm", 1);
	add(&p, "@a;aa", 1);
	prof_finish(&p);
	assert_body(&p, &o,
		    "SELF%  TOTAL%  SAMPLES  FUNCTION  MODULE\n"
		    " 33.3    33.3        1  aa        app\n"
		    " 33.3    33.3        1  mm        app\n"
		    " 33.3    33.3        1  zz        app\n");
	prof_done(&p);
}

static void test_empty_profile(void **state)
{
	struct report_opts o = {.column = ~0u};
	struct summary_opts so = {0};
	struct info_opts io = {.path = "x"};
	struct buf b = {0};
	struct out *out = out_mem(&b);
	struct prof p;
	int by;

	prof_init(&p);
	prof_finish(&p);
	for (by = BY_FUNCTION; by <= BY_NAME; by++) {
		o.by = (enum report_by)by;
		assert_body(&p, &o, "nothing to show: no weight is left\n");
	}
	o.by = BY_FUNCTION;
	o.callers = "";
	free(render(&p, &o));
	assert_int_equal(view_summary(&p, &so, out), 0);
	assert_int_equal(view_info(&p, &io, out), 0);
	out_close(out);
	buf_done(&b);
	prof_done(&p);
}

static void test_time_and_fractions(void **state)
{
	struct report_opts o = {.column = ~0u};
	struct prof p;

	prof_init(&p);
	p.meta.freq_hz = 100;
	add(&p, "@a;f", 150);
	prof_finish(&p);
	assert_body(&p, &o,
		    "SELF%  TOTAL%  SAMPLES   ~TIME  FUNCTION  MODULE\n"
		    "100.0   100.0      150  1.50 s  f         app\n");
	p.values[0].scale = 1000000;
	p.meta.freq_hz = 0;
	p.self[0].v[2] = 2500000;
	assert_body(&p, &o,
		    "SELF%  TOTAL%  SAMPLES  FUNCTION  MODULE\n"
		    "100.0   100.0    2.500  f         app\n");
	prof_done(&p);
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void test_callees(void **state)
{
	struct report_opts o = {.column = ~0u, .callees = "main"};
	struct prof p;

	make_tree(&p);
	assert_body(&p, &o,
		    "TOTAL%  OF IT%  SELF%  SAMPLES  FUNCTION, UNDER IT WHAT IT CALLS\n"
		    "  99.0   100.0              99  main\n"
		    "  69.0    69.7              69    ├─ run\n"
		    "  40.0    40.4   40.0       40    │  ├─ sin\n"
		    "  20.0    20.2   20.0       20    │  ├─ cos\n"
		    "   9.0     9.1               9    │  └─ run\n"
		    "                  9.0             │     copy\n"
		    "  30.0    30.3   10.0       30    └─ parse\n"
		    "  20.0    20.2              20       read\n"
		    "                 20.0                copy\n");
	prof_done(&p);
}

static void test_callers(void **state)
{
	struct report_opts o = {.column = ~0u, .callers = "copy"};
	struct prof p;

	make_tree(&p);
	assert_body(&p, &o,
		    "TOTAL%  OF IT%  SAMPLES  FUNCTION, UNDER IT ITS CALLERS\n"
		    "  29.0   100.0       29  copy\n"
		    "  20.0    69.0       20    ├─ read\n"
		    "                           │  parse\n"
		    "                           │  main\n"
		    "                           │  app\n"
		    "   9.0    31.0        9    └─ run\n"
		    "                              run\n"
		    "                              main\n"
		    "                              app\n");
	prof_done(&p);
}

static void test_tree_from_everything_and_limits(void **state)
{
	struct report_opts o = {.column = ~0u, .callees = ".", .limit = 3};
	struct prof p;

	make_tree(&p);
	assert_body(&p, &o,
		    "TOTAL%  SELF%  SAMPLES  FUNCTION, UNDER IT WHAT IT CALLS\n"
		    "  99.0              99  app\n"
		    "                          main\n"
		    "  69.0              69    run\n"
		    "# not shown: 5 more branches (--limit 0)\n");
	o.callees = NULL;
	o.callers = "";
	o.limit = 2;
	o.min_pct = 25;
	assert_body(&p, &o,
		    "TOTAL%  SAMPLES  FUNCTION, UNDER IT ITS CALLERS\n"
		    "  40.0       40  sin\n"
		    "                   run\n"
		    "# not shown: 2 more branches (--limit 0), 3 under 25 % (--min 0)\n");
	prof_done(&p);
}

static void test_light_tree_has_roots_by_default(void **state)
{
	struct report_opts o = {.column = ~0u, .callees = "", .min_pct = -1};
	struct prof p;
	char name[32], *text;
	int i;

	prof_init(&p);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "@p%d;f", i);
		add(&p, name, 1);
	}
	prof_finish(&p);
	text = render(&p, &o);
	assert_non_null(strstr(text, " p999\n"));
	assert_non_null(strstr(text, "# not shown: 1000 under 0.5 % (--min 0)\n"));
	free(text);
	prof_done(&p);
}

static void test_recursive_function_starts_a_tree_once(void **state)
{
	struct report_opts o = {.column = ~0u, .callers = "run"};
	struct prof p;

	make_tree(&p);
	assert_body(&p, &o,
		    "TOTAL%  OF IT%  SAMPLES  FUNCTION, UNDER IT ITS CALLERS\n"
		    "  69.0   100.0       69  run\n"
		    "                           main\n"
		    "                           app\n");
	prof_done(&p);
}

static int try_tree(const struct prof *p, const char *callers)
{
	struct report_opts o = {.column = ~0u, .callers = callers};
	struct buf b = {0};
	struct out *out = out_mem(&b);
	int rc;

	err_clear();
	rc = view_report(p, &o, out);
	out_close(out);
	buf_done(&b);
	return rc;
}

static void test_tree_matching(void **state)
{
	struct report_opts o = {.column = ~0u, .callers = "^(sin|cos)$"};
	struct prof p;

	make_tree(&p);
	assert_body(&p, &o,
		    "TOTAL%  OF IT%  SAMPLES  FUNCTION, UNDER IT ITS CALLERS\n"
		    "  40.0   100.0       40  sin\n"
		    "                           run\n"
		    "                           main\n"
		    "                           app\n"
		    "  20.0   100.0       20  cos\n"
		    "                           run\n"
		    "                           main\n"
		    "                           app\n");
	assert_int_equal(try_tree(&p, "pars"), 0); /* a regular expression may match inside */
	assert_int_equal(try_tree(&p, "prase"), -EINVAL);
	assert_string_equal(err_hint(), "did you mean parse?");
	assert_int_equal(try_tree(&p, "PARSE"), -EINVAL);
	assert_string_equal(err_hint(), "did you mean parse?");
	assert_int_equal(try_tree(&p, "a("), -EINVAL);
	assert_non_null(strstr(err_msg(), "regular expression"));
	prof_done(&p);
}

/* ---- hostile names --------------------------------------------------------------------------- */

static const char hostile[] = "<img src=x onerror=alert(1)>\"'\\\033[2J\xff\x01\r\nx";

static const char *json_value(const char *s);

static const char *json_skip(const char *s)
{
	return s + strspn(s, " \n\t\r");
}

static const char *json_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++) {
		size_t n = utf8_len(s, strlen(s));

		if (!n || (u8)*s < 0x20)
			return NULL;
		if (*s != '\\') {
			s += n - 1;
			continue;
		}
		s++;
		if (*s == 'u' && strspn(s + 1, "0123456789abcdefABCDEF") >= 4)
			s += 4;
		else if (!*s || !strchr("\"\\/bfnrt", *s))
			return NULL;
	}
	return s + 1;
}

/* The members of an object or array, up to the closing one. NULL: not JSON. */
static const char *json_items(const char *s, char close)
{
	s = json_skip(s + 1);
	if (*s == close)
		return s + 1;
	while (s) {
		if (close == '}') {
			s = json_string(s);
			s = s ? json_skip(s) : NULL;
			if (!s || *s++ != ':')
				return NULL;
		}
		s = json_value(s);
		if (s && *s == close)
			return s + 1;
		if (!s || *s != ',')
			return NULL;
		s = json_skip(s + 1);
	}
	return NULL;
}

static const char *json_value(const char *s)
{
	char *end;

	s = json_skip(s);
	if (*s == '{')
		s = json_items(s, '}');
	else if (*s == '[')
		s = json_items(s, ']');
	else if (*s == '"')
		s = json_string(s);
	else if (str_starts(s, "true"))
		s += 4;
	else if (str_starts(s, "false"))
		s += 5;
	else {
		strtod(s, &end);
		s = end == s ? NULL : end;
	}
	return s ? json_skip(s) : NULL;
}

static void assert_json(const char *text)
{
	const char *end = json_value(text);

	assert_non_null(end);
	assert_int_equal(*end, '\0');
}

static void assert_clean(const char *text)
{
	for (; *text; text++)
		assert_true((u8)*text >= 0x20 || *text == '\n');
}

static void make_hostile(struct prof *p)
{
	u32 s, node = 0, thread, i;
	struct prof_sample ps = {0};
	struct prof_frame f = {0};

	prof_init(p);
	s = prof_string(p, hostile, sizeof(hostile) - 1);
	for (i = 0; i < FRAME_KINDS; i++) {
		f = (struct prof_frame){.name = s, .module = s, .kind = (u8)i};
		node = prof_node(p, node, prof_frame_id(p, &f));
		prof_add(p, node, 0, 1);
	}
	thread = prof_thread_id(p, 1, 1, s);
	ps.node = node;
	ps.thread = thread;
	prof_sample_add(p, &ps);
	p->meta.hostname = p->meta.cmdline = p->meta.event = p->meta.os_release = s;
	p->meta.arch = p->meta.cpu_model = p->meta.version = s;
	p->values[0].name = s;
	vec_push(&p->health, (struct prof_health){.module = s, .stacks = 3, .hint = s});
	prof_lose(p, hostile, true, 1, 1);
	prof_lose(p, hostile, false, 1, 0);
	prof_finish(p);
}

static void test_hostile_names_in_every_report(void **state)
{
	static const char *const trees[] = {NULL, "", "img"};
	struct report_opts o = {.column = ~0u};
	struct prof p;
	size_t i;
	int by;

	make_hostile(&p);
	for (i = 0; i < ARRAY_SIZE(trees); i++) {
		o.callers = i == 1 ? trees[i] : NULL;
		o.callees = i == 2 ? trees[i] : NULL;
		for (by = BY_FUNCTION; by <= BY_NAME; by++) {
			char *text;

			o.by = (enum report_by)by;
			o.json = false;
			o.width = 80;
			text = render(&p, &o);
			assert_clean(text);
			free(text);
			o.json = true;
			text = render(&p, &o);
			assert_json(text);
			assert_null(strstr(text, "<img"));
			free(text);
		}
	}
	prof_done(&p);
}

static char *render_info(const struct prof *p, bool json)
{
	struct info_opts o = {.path = hostile, .json = json, .size_bytes = 5};
	struct buf b = {0};
	struct out *out = out_mem(&b);

	assert_int_equal(view_info(p, &o, out), 0);
	assert_int_equal(out_close(out), 0);
	return b.p;
}

static void test_hostile_names_in_info(void **state)
{
	struct prof p;
	char *text;

	make_hostile(&p);
	text = render_info(&p, false);
	assert_clean(text);
	free(text);
	text = render_info(&p, true);
	assert_json(text);
	free(text);
	prof_done(&p);
}

/* ---- info and summary ------------------------------------------------------------------------ */

static void test_info_counts(void **state)
{
	struct prof p;
	char *text;

	prof_init(&p);
	sample(&p, "@a;x;y", 1, 1, "a", 0, 3);
	sample(&p, "@a;x", 1, 2, "a", 2, 1);
	prof_lose(&p, "ring buffer full", false, 7, 0);
	prof_lose(&p, "bad count", true, 2, 5);
	prof_finish(&p);
	text = render_info(&p, false);
	assert_non_null(strstr(text, "\nsamples   4 samples\n"));
	assert_non_null(strstr(text, "\nstacks    2 unique stacks, 3 tree nodes, 3 frames, "
				     "3 deep at most\n"));
	assert_non_null(strstr(text, "\nseen      1 process, 2 threads, 2 CPUs\n"));
	assert_non_null(strstr(text, "\nlost      7 (7 ring buffer full)\n"));
	assert_non_null(strstr(text, "\ndropped   2 (2 bad count)\n"));
	free(text);
	prof_done(&p);
}

static void assert_small(const char *text)
{
	int lines = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");

		assert_in_range(text_width(text, n), 0, 80);
		text += n + (text[n] == '\n');
		lines++;
	}
	assert_in_range(lines, 1, 10);
}

static char *render_summary(const struct prof *p)
{
	struct summary_opts o = {0};
	struct buf b = {0};
	struct out *out = out_mem(&b);

	assert_int_equal(view_summary(p, &o, out), 0);
	assert_int_equal(out_close(out), 0);
	return b.p;
}

static void test_summary_is_ten_lines(void **state)
{
	struct prof p;
	char name[400], *text;
	u32 i;

	prof_init(&p);
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "@p%u;%sfunction_%0*u", i, i % 2 ? "k:" : "",
			 (int)(i * 4 + 1), i);
		sample(&p, name, i, i, i % 3 ? "sh" : "ü process", 0, 100 - i);
	}
	p.meta.ncpus = 2;
	p.meta.idle_samples = 12345678901;
	prof_lose(&p, "ring", false, 1234567890, 0);
	prof_lose(&p, "bad", true, 1234567890, 0);
	prof_finish(&p);
	text = render_summary(&p);
	assert_small(text);
	assert_non_null(strstr(text, "function_0 "));
	assert_non_null(strstr(text, "Processes: sh (33) "));
	free(text);
	prof_done(&p);
	make_hostile(&p);
	text = render_summary(&p);
	assert_small(text);
	assert_clean(text);
	free(text);
	prof_done(&p);
}

static void test_terminal_width_is_kept(void **state)
{
	struct report_opts o = {.column = ~0u, .width = 80};
	char name[300] = "@proc;", *text, *line;
	struct prof p;

	prof_init(&p);
	memset(name + 6, 'x', 200);
	add(&p, name, 5);
	add(&p, "@proc;short", 5);
	prof_finish(&p);
	text = render(&p, &o);
	for (line = text; *line; line += strcspn(line, "\n") + 1)
		assert_in_range(text_width(line, strcspn(line, "\n")), 0, 80);
	free(text);
	o.width = 0;
	text = render(&p, &o);
	assert_non_null(strstr(text, name + 6)); /* nothing is cut in a pipe */
	free(text);
	prof_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recursion_counts_once_for_each_stack),
		cmocka_unit_test(test_stacks_without_code_are_counted),
		cmocka_unit_test(test_unknown_addresses_are_one_row_a_module),
		cmocka_unit_test(test_groups_against_brute_force),
		cmocka_unit_test(test_process_is_named_after_its_main_thread),
		cmocka_unit_test(test_threads_cpus_and_names_add_up),
		cmocka_unit_test(test_folded_text_has_names_but_no_threads),
		cmocka_unit_test(test_table_by_function),
		cmocka_unit_test(test_table_by_file_and_name_order),
		cmocka_unit_test(test_ties_are_in_order_of_names),
		cmocka_unit_test(test_empty_profile),
		cmocka_unit_test(test_time_and_fractions),
		cmocka_unit_test(test_callees),
		cmocka_unit_test(test_callers),
		cmocka_unit_test(test_tree_from_everything_and_limits),
		cmocka_unit_test(test_light_tree_has_roots_by_default),
		cmocka_unit_test(test_recursive_function_starts_a_tree_once),
		cmocka_unit_test(test_tree_matching),
		cmocka_unit_test(test_hostile_names_in_every_report),
		cmocka_unit_test(test_hostile_names_in_info),
		cmocka_unit_test(test_info_counts),
		cmocka_unit_test(test_summary_is_ten_lines),
		cmocka_unit_test(test_terminal_width_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
