// SPDX-License-Identifier: Apache-2.0
/* Escaping for the place where text from a traced machine lands. */
#include "base/base.h"

#define REPLACEMENT "\xef\xbf\xbd"

size_t utf8_len(const char *s, size_t n)
{
	const u8 *p = (const u8 *)s;
	u32 c, min;
	size_t len, i;

	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2, c = p[0] & 0x1f, min = 0x80;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3, c = p[0] & 0x0f, min = 0x800;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4, c = p[0] & 0x07, min = 0x10000;
	else
		return 0;
	if (n < len)
		return 0;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

/* What XML 1.0 does not allow even as a reference, besides C0: U+FFFE and U+FFFF; C1 is control. */
static bool is_control(const char *s, size_t len)
{
	const u8 *p = (const u8 *)s;

	if (len == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (len == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	if (len == 3)
		return p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
	return false;
}

static const char *xml_entity(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void esc_xml(struct buf *b, const char *s, size_t n)
{
	while (n) {
		size_t len = utf8_len(s, n);
		const char *entity = len == 1 ? xml_entity(*s) : NULL;

		if (entity)
			buf_adds(b, entity);
		else if (!len || is_control(s, len))
			buf_adds(b, REPLACEMENT);
		else
			buf_add(b, s, len);
		len = len ? len : 1;
		s += len;
		n -= len;
	}
}

/* Line separators end a JavaScript string, and </ or <!-- or ]]> the element around it. */
static bool json_escape(struct buf *b, const char *s, size_t len)
{
	if (len == 1 && (*s == '"' || *s == '\\')) {
		buf_addc(b, '\\');
		buf_addc(b, *s);
	} else if (len == 1 && (*s == '<' || *s == '>' || *s == '&')) {
		buf_addf(b, "\\u%04x", *s);
	} else if (len == 1 && *s == '\n') {
		buf_adds(b, "\\n");
	} else if (len == 1 && *s == '\t') {
		buf_adds(b, "\\t");
	} else if (len == 3 && !memcmp(s, "\xe2\x80", 2) && (u8)s[2] >= 0xa8 && (u8)s[2] <= 0xa9) {
		buf_adds(b, (u8)s[2] == 0xa8 ? "\\u2028" : "\\u2029");
	} else {
		return false;
	}
	return true;
}

void esc_json(struct buf *b, const char *s, size_t n)
{
	while (n) {
		size_t len = utf8_len(s, n);

		if (!len || (is_control(s, len) && *s != '\n' && *s != '\t'))
			buf_adds(b, REPLACEMENT);
		else if (!json_escape(b, s, len))
			buf_add(b, s, len);
		len = len ? len : 1;
		s += len;
		n -= len;
	}
}

/* Bidirectional overrides reorder what a terminal shows; they are as bad as escapes. */
static bool is_bidi(const char *s, size_t len)
{
	const u8 *p = (const u8 *)s;

	if (len != 3 || p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) ||
	       (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

void esc_term(struct buf *b, const char *s, size_t n)
{
	while (n) {
		size_t len = utf8_len(s, n), i;

		if (!len || is_control(s, len) || is_bidi(s, len)) {
			len = len ? len : 1;
			for (i = 0; i < len; i++)
				buf_addf(b, "\\x%02x", (u8)s[i]);
		} else {
			buf_add(b, s, len);
		}
		s += len;
		n -= len;
	}
}
