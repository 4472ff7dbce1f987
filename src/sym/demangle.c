// SPDX-License-Identifier: Apache-2.0
/*
 * demangle: C++ (Itanium) and Rust names for people. The work is libiberty's, which has no limit on
 * what it writes: a name of 300 bytes that refers to itself can stand for gigabytes. So the size is
 * estimated first, and a name that would explode stays as it is.
 */
#include "sym/sym_int.h"

#include <libiberty/demangle.h>

#define RUST_MAX_BYTES 3900 /* back references are then at most three digits: see below */
#define RUST_MAX_BACKREFS 40
#define CXX_MAX_BYTES 16384
#define CXX_MAX_WORK 4000000.0
#define CXX_MAX_DEPTH 2048
#define OUT_MAX_BYTES 8192

#define OPTIONS (DMGL_PARAMS | DMGL_ANSI)

/* The tree of a name as it would be printed, where what is referred to counts each time. */
struct expansion {
	double nodes, params, scopes;
	u32 depth, scope_depth;
	bool deep;
};

static void expand(struct expansion *x, const struct demangle_component *d)
{
	const struct demangle_component *left = NULL, *right = NULL;
	bool scope = false;

	if (!d || ++x->nodes > CXX_MAX_WORK || x->deep)
		return;
	if (x->depth >= CXX_MAX_DEPTH) {
		x->deep = true;
		return;
	}
	switch (d->type) {
	case DEMANGLE_COMPONENT_NAME:
	case DEMANGLE_COMPONENT_OPERATOR:
	case DEMANGLE_COMPONENT_BUILTIN_TYPE:
	case DEMANGLE_COMPONENT_EXTENDED_BUILTIN_TYPE:
	case DEMANGLE_COMPONENT_SUB_STD:
	case DEMANGLE_COMPONENT_FUNCTION_PARAM:
	case DEMANGLE_COMPONENT_CHARACTER:
	case DEMANGLE_COMPONENT_NUMBER:
	case DEMANGLE_COMPONENT_UNNAMED_TYPE:
		return;
	case DEMANGLE_COMPONENT_TEMPLATE_PARAM:
		x->params++;
		return;
	case DEMANGLE_COMPONENT_EXTENDED_OPERATOR:
		left = d->u.s_extended_operator.name;
		break;
	case DEMANGLE_COMPONENT_FIXED_TYPE:
		left = d->u.s_fixed.length;
		break;
	case DEMANGLE_COMPONENT_CTOR:
		left = d->u.s_ctor.name;
		break;
	case DEMANGLE_COMPONENT_DTOR:
		left = d->u.s_dtor.name;
		break;
	case DEMANGLE_COMPONENT_LAMBDA:
	case DEMANGLE_COMPONENT_DEFAULT_ARG:
		left = d->u.s_unary_num.sub;
		break;
	case DEMANGLE_COMPONENT_TYPED_NAME:
		scope = true;
		/* fallthrough */
	default:
		left = d->u.s_binary.left;
		right = d->u.s_binary.right;
	}
	x->depth++;
	x->scope_depth += scope;
	x->scopes = MAX(x->scopes, (double)x->scope_depth);
	expand(x, left);
	expand(x, right);
	x->scope_depth -= scope;
	x->depth--;
}

/* A template parameter is printed as its argument, in which those of outer scopes may stand. */
static bool affordable(const struct demangle_component *d)
{
	struct expansion x = {0};
	double work;

	expand(&x, d);
	for (work = x.nodes; x.scopes > 0 && work <= CXX_MAX_WORK; x.scopes--)
		work *= x.params + 1;
	return !x.deep && work <= CXX_MAX_WORK;
}

static char *demangle_cxx(const char *name)
{
	struct demangle_component *d;
	char *out = NULL;
	void *mem = NULL;
	size_t n = strlen(name), alloc;

	if (n > CXX_MAX_BYTES)
		return NULL;
	d = cplus_demangle_v3_components(name, OPTIONS, &mem);
	if (d && affordable(d))
		out = cplus_demangle_print(OPTIONS, d, (int)(2 * n), &alloc);
	free(mem);
	return out;
}

static bool is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Counts whatever looks like a v0 back reference, B<base 62>_, also where it is none. */
static u32 backrefs(const char *s)
{
	u32 n = 0;
	int i;

	for (; *s; s++) {
		for (i = 1; *s == 'B' && i <= 3 && is_base62(s[i]); i++)
			;
		n += *s == 'B' && s[i] == '_';
	}
	return n;
}

static char *demangle_rust(const char *name)
{
	if (strlen(name) > RUST_MAX_BYTES || backrefs(name) > RUST_MAX_BACKREFS)
		return NULL;
	return rust_demangle(name, OPTIONS);
}

static void add_bounded(struct buf *out, const char *s)
{
	size_t n = strlen(s);

	if (n <= OUT_MAX_BYTES) {
		buf_add(out, s, n);
		return;
	}
	for (n = OUT_MAX_BYTES; n && ((u8)s[n] & 0xc0) == 0x80;)
		n--;
	buf_add(out, s, n);
	buf_adds(out, "...");
}

bool sym_demangle(const char *name, struct buf *out, void *unused)
{
	static const char plt[] = "@plt";
	char *copy = NULL, *plain;
	bool is_plt;

	(void)unused;
	if (!str_starts(name, "_Z") && !str_starts(name, "_R"))
		return false;
	is_plt = str_ends(name, plt);
	if (is_plt)
		name = copy = xstrndup(name, strlen(name) - strlen(plt));
	plain = demangle_rust(name);
	if (!plain && name[1] == 'Z')
		plain = demangle_cxx(name);
	free(copy);
	if (!plain)
		return false;
	add_bounded(out, plain);
	if (is_plt)
		buf_adds(out, plt);
	free(plain);
	return true;
}
