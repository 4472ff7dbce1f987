// SPDX-License-Identifier: Apache-2.0
#include "prof/perfscript_int.h"

#include <ctype.h>

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip_blanks(const char *s, size_t n, size_t i)
{
	while (i < n && blank(s[i]))
		i++;
	return i;
}

/* A decimal number at s[*i]; more than fits is not one. */
static bool number(const char *s, size_t n, size_t *i, u64 *v)
{
	size_t start = *i;

	*v = 0;
	while (*i < n && digit(s[*i])) {
		if (__builtin_mul_overflow(*v, 10, v) || __builtin_add_overflow(*v, s[*i] - '0', v))
			return false;
		++*i;
	}
	return *i > start;
}

/* A process number, or -1 for a task that is exiting. */
static bool pid_number(const char *s, size_t n, size_t *i, u32 *v)
{
	u64 wide;
	bool minus = *i < n && s[*i] == '-';

	*i += minus;
	if (!number(s, n, i, &wide) || wide > UINT32_MAX)
		return false;
	*v = minus ? UINT32_MAX : (u32)wide;
	return true;
}

/* PID/TID or TID at the end of s[0..n), which begins with a comm. */
static bool head_parse(const char *s, size_t n, struct perfscript_header *h)
{
	size_t start, i;
	u64 cpu;

	h->cpu = UINT16_MAX;
	h->pid = UINT32_MAX;
	while (n && blank(s[n - 1]))
		n--;
	if (n > 2 && s[n - 1] == ']') {
		for (start = n - 1; start && digit(s[start - 1]); start--)
			;
		i = start;
		if (start && s[start - 1] == '[' && number(s, n, &i, &cpu) && i == n - 1) {
			h->cpu = cpu < UINT16_MAX ? (u16)cpu : UINT16_MAX;
			n = start - 1;
		}
	}
	while (n && blank(s[n - 1]))
		n--;
	for (start = n; start && !blank(s[start - 1]); start--)
		;
	if (!start)
		return false;
	i = start;
	if (!pid_number(s, n, &i, &h->tid))
		return false;
	if (i < n && s[i] == '/') {
		h->pid = h->tid;
		i++;
		if (!pid_number(s, n, &i, &h->tid))
			return false;
	}
	while (start && blank(s[start - 1]))
		start--;
	h->comm = (struct str){s, start};
	return i == n && start;
}

/* [PERIOD] EVENT: payload */
static bool tail_parse(const char *s, size_t n, struct perfscript_header *h)
{
	size_t i = skip_blanks(s, n, 0), start = i;

	h->period = 1;
	if (number(s, n, &i, &h->period) && i < n && blank(s[i]))
		start = skip_blanks(s, n, i);
	else
		h->period = 1;
	for (i = start; i < n && !blank(s[i]); i++)
		;
	if (i - start < 2 || s[i - 1] != ':')
		return false;
	h->event = (struct str){s + start, i - start - 1};
	h->payload = (struct str){s + i, n - i};
	return true;
}

/* SEC.FRAC: at s[i]; *end is behind the colon. */
static bool time_at(const char *s, size_t n, size_t i, size_t *end, u64 *time_ns)
{
	u64 sec, ns = 0, unit = NSEC_PER_SEC;

	if (!number(s, n, &i, &sec) || i >= n || s[i] != '.' || sec > UINT64_MAX / NSEC_PER_SEC - 1)
		return false;
	for (i++; i < n && digit(s[i]); i++) {
		unit /= 10;
		ns += unit * (u64)(s[i] - '0');
	}
	if (s[i - 1] == '.' || i >= n || s[i] != ':')
		return false;
	*end = i + 1;
	*time_ns = sec * NSEC_PER_SEC + ns;
	return true;
}

bool perfscript_header(const char *s, size_t n, struct perfscript_header *h)
{
	size_t i, end;

	*h = (struct perfscript_header){.period = 1};
	for (i = 1; i < n; i++) {
		if (!blank(s[i - 1]) || !digit(s[i]) || !time_at(s, n, i, &end, &h->time_ns))
			continue;
		h->timed = true;
		if (head_parse(s, i, h) && tail_parse(s + end, n - end, h))
			return true;
	}
	h->timed = false;
	h->time_ns = 0;
	/* No times: the number of the thread is followed by [CPU], a period or an event. */
	for (i = 1; i < n && i < 256; i++) {
		if (blank(s[i]) && !blank(s[i - 1]) && head_parse(s, i, h) &&
		    tail_parse(s + i, n - i, h))
			return true;
	}
	return false;
}

/* ---- frames ---------------------------------------------------------------------------------- */

static struct str trim(const char *s, size_t n)
{
	while (n && blank(s[n - 1]))
		n--;
	while (n && blank(*s))
		s++, n--;
	return (struct str){s, n};
}

/* Where the bracket that closes at the end opens; n when there is none with a blank before it. */
static size_t dso_start(const char *s, size_t n)
{
	size_t i = n, depth = 0;

	if (!n || s[n - 1] != ')')
		return n;
	while (i--) {
		if (s[i] == ')')
			depth++;
		else if (s[i] == '(' && !--depth)
			return !i || blank(s[i - 1]) ? i : n;
	}
	return n;
}

static size_t without_offset(const char *s, size_t n)
{
	size_t i = n;

	while (i && isxdigit((unsigned char)s[i - 1]))
		i--;
	return i < n && i > 3 && !memcmp(s + i - 3, "+0x", 3) ? i - 3 : n;
}

static bool dso_is(struct str dso, const char *name)
{
	return str_eq(dso, str_of(name));
}

static bool dso_ends(struct str dso, const char *end)
{
	size_t n = strlen(end);

	return dso.n >= n && !memcmp(dso.p + dso.n - n, end, n);
}

static bool dso_starts(struct str dso, const char *start)
{
	size_t n = strlen(start);

	return dso.n >= n && !memcmp(dso.p, start, n);
}

static u8 kind_of(const struct perfscript_frame *f)
{
	struct str d = f->dso;

	if (dso_is(d, "inlined"))
		return FRAME_INLINED;
	if (dso_is(d, "[vdso]"))
		return FRAME_VDSO;
	if (dso_starts(d, "bpf_prog_") || dso_is(d, "[bpf]"))
		return FRAME_BPF;
	if (dso_ends(d, ".map") && memmem(d.p, d.n, "/perf-", 6))
		return FRAME_JIT;
	if (dso_starts(d, "[kernel") || dso_starts(d, "[guest.kernel") || dso_ends(d, ".ko") ||
	    dso_ends(d, ".ko.xz") || dso_ends(d, ".ko.zst") || dso_ends(d, "vmlinux"))
		return FRAME_KERNEL;
	return f->addr >> 63 ? FRAME_KERNEL : FRAME_USER;
}

bool perfscript_frame(const char *s, size_t n, struct perfscript_frame *f)
{
	struct str line = trim(s, n);
	size_t i = 0, start;

	*f = (struct perfscript_frame){0};
	if (!line.n)
		return false;
	while (i < line.n && i < 16 && isxdigit((unsigned char)line.p[i])) {
		char c = line.p[i++];

		f->addr = f->addr << 4 | (u64)(digit(c) ? c - '0' : (c | 32) - 'a' + 10);
	}
	/* With only symbols asked for, the first word is the symbol. */
	if (!i || (i < line.n && !blank(line.p[i])))
		i = 0, f->addr = 0;
	start = dso_start(line.p, line.n);
	if (start < i)
		start = line.n;
	if (start < line.n)
		f->dso = (struct str){line.p + start + 1, line.n - start - 2};
	f->symbol = trim(line.p + i, start - i);
	f->symbol.n = without_offset(f->symbol.p, f->symbol.n);
	if (str_eq(f->symbol, STR("[unknown]")))
		f->symbol.n = 0;
	if (dso_is(f->dso, "[unknown]") || dso_is(f->dso, "unknown"))
		f->dso.n = 0;
	f->kind = kind_of(f);
	return f->symbol.n || f->dso.n || i;
}
