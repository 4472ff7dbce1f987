// SPDX-License-Identifier: Apache-2.0
/* sym: the context that the parts share. */
#include "sym/sym_int.h"

#include <unistd.h>

#define CACHE_MAX_BYTES (512u << 20)

struct string_node {
	struct string_node *next;
	char text[];
};

struct sym_ctx *sym_new(const struct sym_opts *o)
{
	struct sym_ctx *c = xcalloc(1, sizeof(*c));

	c->root = xstrdup(o->root ? o->root : "");
	c->cache_path = o->cache_dir ? xstrdup(o->cache_dir) : NULL;
	c->o = *o;
	c->o.root = c->root;
	c->o.cache_dir = c->cache_path;
	c->cache_fd = -1;
	return c;
}

const char *ctx_str(struct sym_ctx *c, const char *s, size_t n)
{
	u64 *slot = map_put(&c->strings, hash_bytes(s, n));
	struct string_node *node = (struct string_node *)(uintptr_t)*slot, *first = node;

	for (; node; node = node->next)
		if (!strncmp(node->text, s, n) && !node->text[n])
			return node->text;
	node = arena_alloc(&c->arena, sizeof(*node) + n + 1);
	memcpy(node->text, s, n);
	node->next = first;
	*slot = (u64)(uintptr_t)node;
	return node->text;
}

int ctx_cache(struct sym_ctx *c)
{
	if (!c->cache_opened) {
		c->cache_opened = true;
		c->cache_fd = cache_dir_open(&c->o);
	}
	return c->cache_fd;
}

void sym_cache_save(struct sym_ctx *c)
{
	if (c->cache_fd < 0 || !c->cache_grown)
		return;
	cache_trim(c->cache_fd, CACHE_MAX_BYTES);
	c->cache_grown = false;
}

void sym_stats(const struct sym_ctx *c, struct sym_stats *st)
{
	*st = c->stats;
}

void sym_free(struct sym_ctx *c)
{
	if (!c)
		return;
	sym_cache_save(c);
	modules_free(c);
	kernel_free(c);
	perf_maps_free(c);
	if (c->cache_fd >= 0)
		close(c->cache_fd);
	map_done(&c->strings);
	arena_done(&c->arena);
	free(c->root);
	free(c->cache_path);
	free(c);
}
