// SPDX-License-Identifier: Apache-2.0
/* Options of a command: one table gives the parser, the help, the man page and the completion. */
#include "base/base.h"

#define MAX_MISTAKES 20

const struct opt opt_help_option = {
	.letter = 'h', .name = "help", .type = OPT_FLAG, .help = "show this help"};

struct parser {
	struct arena *arena;
	const char *command;
	const struct opt *opts;
	char *dst;
	int argc, at;
	char **argv;
	struct opt_result *res;
	size_t input_cap;
	unsigned mistakes;
	bool hinted;
};

/* hint may be NULL; both are escaped, as they quote what was typed. */
static void mistake(struct parser *p, const char *hint, const char *fmt, ...) PRINTF(3, 4);
static void mistake(struct parser *p, const char *hint, const char *fmt, ...)
{
	struct buf text = {0}, line = {0};
	va_list ap;

	if (p->mistakes++ >= MAX_MISTAKES)
		return;
	va_start(ap, fmt);
	buf_addvf(&text, fmt, ap);
	va_end(ap);
	buf_adds(&line, "spoor: ");
	if (p->command)
		buf_addf(&line, "%s: ", p->command);
	esc_term(&line, text.p, text.n);
	if (hint) {
		buf_adds(&line, "\ntry: ");
		esc_term(&line, hint, strlen(hint));
		p->hinted = true;
	}
	fprintf(stderr, "%s\n", buf_str(&line));
	buf_done(&text);
	buf_done(&line);
}

/* Edits (insert, delete, replace, swap neighbours) from a to b; both at most 63 bytes. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[3][64], na = (unsigned)strlen(a), nb = (unsigned)strlen(b);
	unsigned *before = row[0], *last = row[1], *now = row[2];

	for (unsigned j = 0; j <= nb; j++)
		last[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		now[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);
			d = MIN(d, last[j] + 1);
			d = MIN(d, now[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = MIN(d, before[j - 2] + 1);
			now[j] = d;
		}
		unsigned *oldest = before;
		before = last;
		last = now;
		now = oldest;
	}
	return last[nb];
}

/* "fre" and "frequncy" both mean "freq": one is the start of the other. */
static bool one_starts_other(const char *a, const char *b)
{
	size_t n = MIN(strlen(a), strlen(b));

	return n >= 2 && !strncmp(a, b, n);
}

const char *opt_nearest(const char *given, const char *const *names, size_t n)
{
	size_t len = strlen(given);
	unsigned best = (unsigned)len / 3 + 1;
	const char *found = NULL;

	if (!len || len > 63)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned d;

		if (!names[i] || strlen(names[i]) > 63)
			continue;
		d = edit_distance(given, names[i]);
		if (one_starts_other(given, names[i]))
			d = MIN(d, 1u);
		/* Nothing is near to a name when all of it would have to change. */
		if (d < best || (d == best && !found && d < len)) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

static const struct opt *find_letter(const struct opt *opts, char letter)
{
	for (const struct opt *o = opts; !opt_is_end(o); o++)
		if (o->type != OPT_GROUP && o->letter == letter)
			return o;
	return letter == 'h' ? &opt_help_option : NULL;
}

static const struct opt *find_name(const struct opt *opts, const char *name, size_t n)
{
	for (const struct opt *o = opts; !opt_is_end(o); o++)
		if (o->type != OPT_GROUP && o->name && strlen(o->name) == n &&
		    !memcmp(o->name, name, n))
			return o;
	return n == 4 && !memcmp(name, "help", 4) ? &opt_help_option : NULL;
}

static const char *nearest_option(struct parser *p, const char *name)
{
	VEC(const char *) names = {0};
	const char *near;

	for (const struct opt *o = p->opts; !opt_is_end(o); o++)
		if (o->type != OPT_GROUP && o->name)
			vec_push(&names, o->name);
	vec_push(&names, opt_help_option.name);
	near = opt_nearest(name, names.v, names.n);
	vec_done(&names);
	return near;
}

static void unknown_long(struct parser *p, const char *name)
{
	const char *near = nearest_option(p, name);
	char hint[80];

	if (near)
		snprintf(hint, sizeof(hint), "--%s", near);
	mistake(p, near ? hint : NULL, "unknown option --%s", name);
}

static void unknown_letter(struct parser *p, const char *word, char letter)
{
	char other = letter ^ 0x20, hint[80];
	size_t len = strlen(word);

	hint[0] = '\0';
	if (len > 3 && find_name(p->opts, word + 1, len - 1))
		snprintf(hint, sizeof(hint), "-%s", word); /* one dash too few */
	else if (find_letter(p->opts, other))
		snprintf(hint, sizeof(hint), "-%c", other);
	mistake(p, hint[0] ? hint : NULL, "unknown option -%c", letter);
}

static const char *spelled(struct parser *p, const struct opt *o, bool by_letter)
{
	char text[72];

	if (by_letter)
		snprintf(text, sizeof(text), "-%c", o->letter);
	else
		snprintf(text, sizeof(text), "--%s", o->name);
	return arena_strndup(p->arena, text, strlen(text));
}

static void list_add(struct parser *p, struct opt_list *l, const char *s, size_t n)
{
	/* Full at every power of two. The list is the caller's, so it has no room for a capacity.
	 */
	if (!(l->n & (l->n - 1))) {
		const char **v = arena_alloc(p->arena, (l->n ? l->n * 2 : 1) * sizeof(*v));
		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	l->v[l->n++] = arena_strndup(p->arena, s, n);
}

static void store_list(struct parser *p, const struct opt *o, const char *as, const char *arg)
{
	for (const char *s = arg;; s++) {
		size_t n = strcspn(s, ",");
		if (!n) {
			mistake(p, NULL, "%s %s: an empty item", as, arg);
			return;
		}
		list_add(p, (void *)(p->dst + o->off), s, n);
		s += n;
		if (!*s)
			return;
	}
}

static const char *choice_of(struct parser *p, const struct opt *o, const char *arg,
			     const char **nearest)
{
	const char *names[64];
	size_t n = 0;

	for (const char *s = o->choices; *s;) {
		size_t len = strcspn(s, "|");
		BUG_ON(n == ARRAY_SIZE(names));
		names[n] = arena_strndup(p->arena, s, len);
		if (!strcmp(names[n], arg))
			return names[n];
		n++;
		s += len + (s[len] == '|');
	}
	*nearest = opt_nearest(arg, names, n);
	return NULL;
}

static void store_choice(struct parser *p, const struct opt *o, const char *as, const char *arg)
{
	const char *near = NULL, *choice = choice_of(p, o, arg, &near);
	char hint[160];

	if (choice) {
		memcpy(p->dst + o->off, &choice, sizeof(choice));
		return;
	}
	if (near)
		snprintf(hint, sizeof(hint), "%s %s", as, near);
	mistake(p, near ? hint : NULL, "%s %s: not one of %s", as, arg, o->choices);
}

/* "5" or "5%". strtod alone would also take inf, nan and hex. */
static int parse_pct(const char *s, double *out)
{
	char *end;

	if (!*s || strspn(s, "0123456789.") != strcspn(s, "%"))
		return -EINVAL;
	*out = strtod(s, &end);
	if (end == s || (*end == '%' ? end[1] : end[0]))
		return -EINVAL;
	return 0;
}

static void range_text(char *out, size_t size_bytes, const struct opt *o, u64 v)
{
	char text[32];

	if (o->type == OPT_DUR)
		snprintf(out, size_bytes, "%s", fmt_dur(text, v));
	else if (o->type == OPT_SIZE)
		snprintf(out, size_bytes, "%s", fmt_size(text, v));
	else
		snprintf(out, size_bytes, "%llu", (unsigned long long)v);
}

static void out_of_range(struct parser *p, const struct opt *o, const char *as, const char *arg)
{
	char min[40], max[40];

	range_text(min, sizeof(min), o, o->min);
	range_text(max, sizeof(max), o, o->max);
	mistake(p, NULL, "%s %s: must be %s to %s", as, arg, min, max);
}

static const char *type_wants(enum opt_type type)
{
	switch (type) {
	case OPT_DUR:
		return "a time such as 10, 10s, 500ms or 2m";
	case OPT_SIZE:
		return "a size such as 4096, 64K or 10M";
	case OPT_PCT:
		return "a percentage such as 5 or 2.5%";
	default:
		return "a number";
	}
}

static void store_number(struct parser *p, const struct opt *o, const char *as, const char *arg)
{
	double pct = 0;
	u64 v = 0;
	int rc;

	if (o->type == OPT_PCT)
		rc = parse_pct(arg, &pct);
	else if (o->type == OPT_DUR)
		rc = parse_dur_ns(arg, &v);
	else if (o->type == OPT_SIZE)
		rc = parse_size(arg, &v);
	else
		rc = parse_u64(arg, &v);
	if (rc) {
		mistake(p, NULL, "%s %s: not %s", as, arg, type_wants(o->type));
		return;
	}
	if (o->type == OPT_PCT) {
		if (o->max && (pct < (double)o->min || pct > (double)o->max))
			out_of_range(p, o, as, arg);
		memcpy(p->dst + o->off, &pct, sizeof(pct));
		return;
	}
	if (o->max && (v < o->min || v > o->max))
		out_of_range(p, o, as, arg);
	memcpy(p->dst + o->off, &v, sizeof(v));
}

static void store(struct parser *p, const struct opt *o, const char *as, const char *arg)
{
	switch (o->type) {
	case OPT_STR:
		memcpy(p->dst + o->off, &arg, sizeof(arg));
		break;
	case OPT_LIST:
		store_list(p, o, as, arg);
		break;
	case OPT_CHOICE:
		store_choice(p, o, as, arg);
		break;
	default:
		store_number(p, o, as, arg);
	}
}

static void set_flag(struct parser *p, const struct opt *o)
{
	if (o == &opt_help_option)
		p->res->help = true;
	else if (o->type == OPT_FLAG)
		*(bool *)(p->dst + o->off) = true;
	else if (*(u8 *)(p->dst + o->off) < UINT8_MAX)
		++*(u8 *)(p->dst + o->off);
}

/*
 * An argument in a word of its own. "--" and words that are options of this command are not taken
 * for one: `-o -F 99` forgot the file. --opt=-F says that it is meant.
 */
static const char *next_arg(struct parser *p, const struct opt *o, const char *as)
{
	const char *w = p->at < p->argc ? p->argv[p->at] : NULL;
	bool is_option = w && w[0] == '-' && w[1] &&
			 (w[1] == '-' ? !w[2] || find_name(p->opts, w + 2, strcspn(w + 2, "="))
				      : find_letter(p->opts, w[1]) != NULL);

	if (w && !is_option) {
		p->at++;
		return w;
	}
	mistake(p, NULL, "%s needs %s", as, o->arg ? o->arg : "an argument");
	return NULL;
}

static void parse_long(struct parser *p, const char *word)
{
	size_t n = strcspn(word, "=");
	const struct opt *o = find_name(p->opts, word, n);
	const char *as, *arg;

	if (!o) {
		unknown_long(p, arena_strndup(p->arena, word, n));
		return;
	}
	as = spelled(p, o, false);
	if (!opt_takes_arg(o)) {
		if (word[n])
			mistake(p, as, "%s takes no argument", as);
		else
			set_flag(p, o);
		return;
	}
	arg = word[n] ? word + n + 1 : next_arg(p, o, as);
	if (arg)
		store(p, o, as, arg);
}

static void parse_letters(struct parser *p, const char *word)
{
	for (const char *s = word; *s; s++) {
		const struct opt *o = find_letter(p->opts, *s);
		const char *as, *arg;

		if (!o) {
			unknown_letter(p, word - 1, *s);
			return;
		}
		if (!opt_takes_arg(o)) {
			set_flag(p, o);
			continue;
		}
		as = spelled(p, o, true);
		arg = s[1] ? s + 1 : next_arg(p, o, as);
		if (arg)
			store(p, o, as, arg);
		return;
	}
}

/* Help is wanted whatever else is wrong with the line. */
static bool wants_help(const struct opt *opts, int argc, char **argv)
{
	bool own = find_letter(opts, 'h') != &opt_help_option;

	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || (!own && !strcmp(argv[i], "-h")))
			return true;
	return false;
}

int opt_parse(struct arena *a, const char *command, const struct opt *opts, void *dst, int argc,
	      char **argv, struct opt_result *res)
{
	struct parser p = {.arena = a,
			   .command = command,
			   .opts = opts,
			   .dst = dst,
			   .argc = argc,
			   .argv = argv,
			   .res = res};

	memset(res, 0, sizeof(*res));
	if (wants_help(opts, argc, argv)) {
		res->help = true;
		return 0;
	}
	while (p.at < argc) {
		const char *w = argv[p.at++];
		if (!strcmp(w, "--")) {
			res->rest = argv + p.at;
			break;
		}
		if (w[0] == '-' && w[1] == '-')
			parse_long(&p, w + 2);
		else if (w[0] == '-' && w[1])
			parse_letters(&p, w + 1);
		else
			list_add(&p, &res->inputs, w, strlen(w));
	}
	if (!p.mistakes)
		return 0;
	if (p.mistakes > MAX_MISTAKES)
		fprintf(stderr, "spoor: and %u more mistakes\n", p.mistakes - MAX_MISTAKES);
	if (!p.hinted)
		fprintf(stderr, "try: spoor %s%s--help\n", command ? command : "",
			command ? " " : "");
	return -EINVAL;
}

/* Adds the words of one line to what is being filled; returns the column reached. */
static int fill_words(struct buf *b, const char *s, size_t len, int column, int indent, int width)
{
	for (const char *end = s + len; s < end;) {
		int n = (int)MIN(strcspn(s, " \n"), (size_t)(end - s));

		if (column && column + 1 + n > width) {
			buf_addc(b, '\n');
			column = 0;
		}
		if (n) {
			buf_addf(b, "%*s%.*s", column ? 1 : indent, "", n, s);
			column += (column ? 1 : indent) + n;
		}
		s += n + 1;
	}
	return column;
}

void opt_wrap(struct buf *b, const char *text, int indent, int width)
{
	int column = 0;

	for (const char *s = text; *s;) {
		size_t n = strcspn(s, "\n");

		if (n && *s != ' ') {
			column = fill_words(b, s, n, column, indent, width);
		} else {
			if (column)
				buf_addc(b, '\n');
			if (n)
				buf_addf(b, "%*s%.*s", indent, "", (int)n, s);
			buf_addc(b, '\n');
			column = 0;
		}
		s += n + (s[n] == '\n');
	}
	if (column)
		buf_addc(b, '\n');
}

void opt_spelling(struct buf *b, const struct opt *o)
{
	if (o->letter)
		buf_addf(b, "-%c", o->letter);
	if (o->letter && o->name)
		buf_adds(b, ", ");
	if (o->name)
		buf_addf(b, "--%s", o->name);
	if (opt_takes_arg(o))
		buf_addf(b, " %s", o->arg ? o->arg : o->choices ? o->choices : "ARG");
}

static void help_line(struct buf *b, const struct opt *o, int column, int width)
{
	struct buf left = {0}, right = {0};

	buf_adds(&left, o->letter ? "  " : "      ");
	opt_spelling(&left, o);
	opt_wrap(&right, o->help ? o->help : "", column, width);
	buf_add(b, left.p, left.n);
	if (!right.n)
		buf_addc(b, '\n');
	else if ((int)left.n + 2 <= column)
		buf_adds(b,
			 right.p + left.n); /* the spelling takes the place of the first blanks */
	else
		buf_addf(b, "\n%s", right.p);
	buf_done(&left);
	buf_done(&right);
}

void opt_help(struct buf *b, const struct opt *opts, int width)
{
	const int column = 26;

	for (const struct opt *o = opts; !opt_is_end(o); o++) {
		if (o->type == OPT_GROUP)
			buf_addf(b, "%s%s:\n", o == opts ? "" : "\n", o->help);
		else
			help_line(b, o, column, width);
	}
	if (find_letter(opts, 'h') == &opt_help_option)
		help_line(b, &opt_help_option, column, width);
}
