// SPDX-License-Identifier: Apache-2.0
/* A JSON writer: the caller names values, commas, nesting and escaping happen here. */
#include "base/base.h"

#include <math.h>

#define FLUSH_BYTES (64 * 1024)

void json_init(struct json *j, struct out *out, bool pretty)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
	j->pretty = pretty;
	j->first[0] = true;
}

static void line_start(struct json *j)
{
	if (!j->pretty || !j->depth)
		return;
	buf_addc(&j->b, '\n');
	for (int i = 0; i < j->depth; i++)
		buf_adds(&j->b, "  ");
}

/* Everything that comes before a value: comma, new line, key. */
static void value_start(struct json *j, const char *key)
{
	BUG_ON(j->depth && (j->close[j->depth] == '}') != (key != NULL));
	BUG_ON(!j->depth && key);
	if (!j->first[j->depth])
		buf_addc(&j->b, j->depth ? ',' : '\n');
	j->first[j->depth] = false;
	line_start(j);
	if (key) {
		buf_addc(&j->b, '"');
		esc_json(&j->b, key, strlen(key));
		buf_adds(&j->b, j->pretty ? "\": " : "\":");
	}
	if (j->b.n >= FLUSH_BYTES)
		out_buf(j->out, &j->b);
}

static void nest(struct json *j, const char *key, char open, char close)
{
	value_start(j, key);
	BUG_ON(j->depth + 1u >= ARRAY_SIZE(j->first));
	buf_addc(&j->b, open);
	j->depth++;
	j->first[j->depth] = true;
	j->close[j->depth] = close;
}

void json_obj(struct json *j, const char *key)
{
	nest(j, key, '{', '}');
}

void json_arr(struct json *j, const char *key)
{
	nest(j, key, '[', ']');
}

void json_end(struct json *j)
{
	BUG_ON(!j->depth);
	char close = j->close[j->depth];
	bool empty = j->first[j->depth];

	j->depth--;
	if (!empty && j->pretty) {
		buf_addc(&j->b, '\n');
		for (int i = 0; i < j->depth; i++)
			buf_adds(&j->b, "  ");
	}
	buf_addc(&j->b, close);
}

void json_strn(struct json *j, const char *key, const char *value, size_t n)
{
	value_start(j, key);
	buf_addc(&j->b, '"');
	esc_json(&j->b, value, n);
	buf_addc(&j->b, '"');
}

void json_str(struct json *j, const char *key, const char *value)
{
	if (value) {
		json_strn(j, key, value, strlen(value));
		return;
	}
	value_start(j, key);
	buf_adds(&j->b, "null");
}

void json_u64(struct json *j, const char *key, u64 value)
{
	value_start(j, key);
	buf_add_u64(&j->b, value);
}

void json_s64(struct json *j, const char *key, s64 value)
{
	value_start(j, key);
	if (value < 0)
		buf_addc(&j->b, '-');
	buf_add_u64(&j->b, value < 0 ? -(u64)value : (u64)value);
}

void json_num(struct json *j, const char *key, double value)
{
	char text[40];

	value_start(j, key);
	if (!isfinite(value)) { /* JSON has no word for these */
		buf_adds(&j->b, "null");
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	buf_adds(&j->b, text);
}

void json_bool(struct json *j, const char *key, bool value)
{
	value_start(j, key);
	buf_adds(&j->b, value ? "true" : "false");
}

void json_done(struct json *j)
{
	BUG_ON(j->depth);
	buf_addc(&j->b, '\n');
	out_buf(j->out, &j->b);
	buf_done(&j->b);
}
