// SPDX-License-Identifier: Apache-2.0
#include "base/base.h"

#include <sys/mman.h>
#include <unistd.h>

#define ARENA_BLOCK 65536
#define BIG ((size_t)1 << 20)

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	char data[] __attribute__((aligned(16)));
};

void *xmalloc(size_t size_bytes)
{
	void *p = malloc(size_bytes ? size_bytes : 1);

	BUG_ON(!p);
	return p;
}

void *xcalloc(size_t n, size_t size_bytes)
{
	void *p = calloc(n ? n : 1, size_bytes ? size_bytes : 1);

	BUG_ON(!p);
	return p;
}

void *xrealloc(void *p, size_t size_bytes)
{
	p = realloc(p, size_bytes ? size_bytes : 1);
	BUG_ON(!p);
	return p;
}

char *xstrndup(const char *s, size_t n)
{
	char *p = xmalloc(n + 1);

	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	BUG_ON(n < 0);
	return p;
}

void arena_init(struct arena *a)
{
	a->head = NULL;
	a->size_bytes = 0;
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
	struct arena_block *b = a->head;
	size_t want = (size_bytes + 7) & ~(size_t)7;
	void *p;

	BUG_ON(want < size_bytes);
	a->size_bytes += want;
	if (!b || b->size - b->used < want) {
		size_t size = MAX(want, (size_t)ARENA_BLOCK);
		struct arena_block *fresh = xmalloc(sizeof(*fresh) + size);

		fresh->size = size;
		fresh->used = 0;
		/* A big one goes behind the head, so that the rest of the head is still used. */
		if (b && want > ARENA_BLOCK / 4) {
			fresh->next = b->next;
			b->next = fresh;
		} else {
			fresh->next = b;
			a->head = fresh;
		}
		b = fresh;
	}
	p = b->data + b->used;
	b->used += want;
	return memset(p, 0, want);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	if (n)
		memcpy(p, s, n);
	return p;
}

void arena_done(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->head; b; b = next) {
		next = b->next;
		free(b);
	}
	arena_init(a);
}

static size_t page_up(size_t n)
{
	return (n + 4095) & ~(size_t)4095;
}

static void *map_big(size_t size_bytes)
{
	void *p = mmap(NULL, page_up(size_bytes), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	BUG_ON(p == MAP_FAILED);
	return p;
}

void *big_realloc(void *p, size_t old_bytes, size_t new_bytes)
{
	void *fresh;

	if (new_bytes <= BIG && old_bytes <= BIG)
		return xrealloc(p, new_bytes);
	if (p && old_bytes > BIG && new_bytes > BIG) {
		fresh = mremap(p, page_up(old_bytes), page_up(new_bytes), MREMAP_MAYMOVE);
		BUG_ON(fresh == MAP_FAILED);
		return fresh;
	}
	fresh = new_bytes > BIG ? map_big(new_bytes) : xmalloc(new_bytes);
	if (p && old_bytes)
		memcpy(fresh, p, MIN(old_bytes, new_bytes));
	big_free(p, old_bytes);
	return fresh;
}

void big_free(void *p, size_t size_bytes)
{
	if (!p)
		return;
	if (size_bytes > BIG)
		munmap(p, page_up(size_bytes));
	else
		free(p);
}

void *vec_grow_(void *v, size_t *cap, size_t want, size_t elem_bytes)
{
	size_t n = MAX(want, (size_t)8);

	BUG_ON(want > SIZE_MAX / 2 / elem_bytes);
	/* Doubling is cheapest; from 64 MiB on memory matters more, and remapping copies nothing.
	 */
	if (*cap * elem_bytes < (64u << 20))
		n = MAX(n, *cap * 2);
	else
		n = MAX(n, *cap + *cap / 4);
	v = big_realloc(v, *cap * elem_bytes, n * elem_bytes);
	*cap = n;
	return v;
}
