// SPDX-License-Identifier: Apache-2.0
/* Numbers and times, from and for people. */
#include "base/base.h"

#include <ctype.h>
#include <math.h>
#include <time.h>

int parse_u64(const char *s, u64 *out)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	char *end;

	if (!isdigit((unsigned char)s[0]))
		return -EINVAL;
	errno = 0;
	*out = strtoull(s, &end, hex ? 16 : 10);
	if (errno || *end || end == s)
		return -EINVAL;
	return 0;
}

struct unit {
	const char *name;
	double factor;
};

/* digits[.digits]unit; strtod alone would take hex, nan, inf, signs and exponents. */
static int parse_with_unit(const char *s, const struct unit *units, size_t n, u64 *out)
{
	const char *p = s;
	double v;
	size_t i;

	while (isdigit((unsigned char)*p))
		p++;
	if (*p == '.') {
		p++;
		while (isdigit((unsigned char)*p))
			p++;
	}
	if (!isdigit((unsigned char)s[0]) || !isdigit((unsigned char)p[-1]))
		return -EINVAL;
	v = strtod(s, NULL);
	for (i = 0; i < n; i++) {
		if (strcmp(p, units[i].name))
			continue;
		v *= units[i].factor;
		if (v >= 18446744073709551615.0)
			return -EINVAL;
		*out = (u64)(v + 0.5);
		return 0;
	}
	return -EINVAL;
}

int parse_dur_ns(const char *s, u64 *out)
{
	static const struct unit units[] = {
		{"", 1e9},   {"s", 1e9},  {"ms", 1e6},	 {"us", 1e3},
		{"ns", 1.0}, {"m", 60e9}, {"h", 3600e9},
	};

	return parse_with_unit(s, units, ARRAY_SIZE(units), out);
}

int parse_size(const char *s, u64 *out)
{
	static const struct unit units[] = {
		{"", 1},	   {"B", 1},	       {"K", 1024},
		{"KB", 1024},	   {"M", 1048576},     {"MB", 1048576},
		{"G", 1073741824}, {"GB", 1073741824}, {"T", 1099511627776.0},
	};

	return parse_with_unit(s, units, ARRAY_SIZE(units), out);
}

#define CPU_LIMIT 8192

static int cpu_number(const char **p, u32 *out)
{
	u32 v = 0;

	if (!isdigit((unsigned char)**p))
		return -EINVAL;
	while (isdigit((unsigned char)**p)) {
		v = v * 10 + (u32)(*(*p)++ - '0');
		if (v >= CPU_LIMIT)
			return -EINVAL;
	}
	*out = v;
	return 0;
}

int parse_cpulist(const char *s, struct buf *bitmap_bytes)
{
	while (*s && *s != '\n') {
		u32 from, to;

		if (cpu_number(&s, &from))
			return -EINVAL;
		to = from;
		if (*s == '-') {
			s++;
			if (cpu_number(&s, &to) || to < from)
				return -EINVAL;
		}
		while (bitmap_bytes->n <= to)
			buf_addc(bitmap_bytes, 0);
		memset(bitmap_bytes->p + from, 1, to - from + 1);
		if (*s == ',')
			s++;
		else if (*s && *s != '\n')
			return -EINVAL;
	}
	return bitmap_bytes->n ? 0 : -EINVAL;
}

char *fmt_dur(char *out, u64 ns)
{
	static const struct unit units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}};
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && (double)ns < units[i].factor)
		i++;
	snprintf(out, 16, i == 3 ? "%.0f %s" : "%.4g %s", (double)ns / units[i].factor,
		 units[i].name);
	if (ns >= 10000 * NSEC_PER_SEC)
		snprintf(out, 16, "%.0f s", (double)ns / 1e9);
	return out;
}

char *fmt_size(char *out, u64 bytes)
{
	static const char *const names[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
	double v = (double)bytes;
	size_t i = 0;

	while (v >= 1000 && i + 1 < ARRAY_SIZE(names)) {
		v /= 1000;
		i++;
	}
	snprintf(out, 16, i && v < 100 ? "%.1f %s" : "%.0f %s", v, names[i]);
	return out;
}

char *fmt_count(char *out, u64 n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *p = out;
	int i;

	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = '\0';
	return out;
}

static u64 clock_ns(clockid_t id)
{
	struct timespec ts;

	BUG_ON(clock_gettime(id, &ts));
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

u64 clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

u64 clock_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}
