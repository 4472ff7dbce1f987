// SPDX-License-Identifier: Apache-2.0
/* What the numbers of a profile mean, for people and in JSON. */
#include "view/view_int.h"

double pct_of(u64 part, u64 whole)
{
	return whole ? (double)part * 100.0 / (double)whole : 0.0;
}

enum text_style pct_style(double pct)
{
	return pct >= 10.0 ? TEXT_HOT : pct >= 2.0 ? TEXT_WARM : TEXT_PLAIN;
}

u32 value_column(const struct prof *p, u32 column)
{
	return column < p->nvalues ? column : 0;
}

static bool unit_is(const struct prof *p, u32 column, const char *unit)
{
	return !strcmp(prof_str(p, p->values[column].unit), unit);
}

char *value_text(char *out, const struct prof *p, u32 column, u64 weight)
{
	u64 scale = MAX(p->values[column].scale, 1);

	if (unit_is(p, column, "ns"))
		return fmt_dur(out, weight / scale);
	if (unit_is(p, column, "bytes"))
		return fmt_size(out, weight / scale);
	fmt_count(out, weight / scale);
	if (weight % scale) /* fractional input: three digits are enough to read */
		sprintf(out + strlen(out), ".%03u",
			(unsigned)((double)(weight % scale) * 1000.0 / (double)scale));
	return out;
}

const char *value_head(const struct prof *p, u32 column)
{
	if (unit_is(p, column, "ns"))
		return "TIME";
	if (unit_is(p, column, "bytes"))
		return "BYTES";
	if (unit_is(p, column, "cycles"))
		return "CYCLES";
	return column ? "COUNT" : "SAMPLES";
}

bool value_time(const struct prof *p, u32 column, u64 weight, u64 *ns)
{
	double v;

	if (column || !p->meta.freq_hz)
		return false;
	v = (double)weight / (double)MAX(p->values[0].scale, 1) * 1e9 / (double)p->meta.freq_hz;
	*ns = v < 1.8e19 ? (u64)v : UINT64_MAX;
	return true;
}

/* An estimate is not worth more than three digits. */
char *value_time_text(char *out, u64 ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double v = (double)ns;
	u32 i = 0;

	while (i + 1 < ARRAY_SIZE(units) && v >= 999.5) {
		v /= 1000;
		i++;
	}
	if (!ns)
		return strcpy(out, "0");
	sprintf(out,
		v < 9.995 && i	 ? "%.2f %s"
		: v < 99.95 && i ? "%.1f %s"
				 : "%.0f %s",
		v, units[i]);
	return out;
}

/* More digits would only be noise. */
void json_pct(struct json *j, const char *key, double pct)
{
	json_num(j, key, (double)(u64)(pct * 10000.0 + 0.5) / 10000.0);
}

void value_json(struct json *j, const char *key, const struct prof *p, u32 column, u64 weight)
{
	u64 scale = MAX(p->values[column].scale, 1);

	if (scale == 1)
		json_u64(j, key, weight);
	else
		json_num(j, key, (double)weight / (double)scale);
}
