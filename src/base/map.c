// SPDX-License-Identifier: Apache-2.0
#include "base/base.h"

struct map_slot {
	u64 key, value;
	bool used;
};

static inline u64 load64(const u8 *p)
{
	u64 v;

	memcpy(&v, p, 8);
	return v;
}

static inline u64 mum(u64 a, u64 b)
{
	unsigned __int128 r = (unsigned __int128)a * b;

	return (u64)r ^ (u64)(r >> 64);
}

/* Multiply-and-fold over 16 bytes at a time; the tail is read overlapping. */
u64 hash_bytes(const void *bytes, size_t n)
{
	const u64 k0 = 0xa0761d6478bd642full, k1 = 0xe7037ed1a0b428dbull;
	const u8 *p = bytes;
	u64 h = k0 ^ n, a, b;
	size_t left = n;

	while (left > 16) {
		h = mum(load64(p) ^ k1, load64(p + 8) ^ h);
		p += 16;
		left -= 16;
	}
	if (left >= 8) {
		a = load64(p);
		b = load64(p + left - 8);
	} else {
		a = b = 0;
		if (left)
			memcpy(&a, p, left);
	}
	return mum(mum(a ^ k1, b ^ h), k0 ^ n);
}

u32 crc32c(u32 crc, const void *bytes, size_t n)
{
	static const u32 nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const u8 *p = bytes;

	crc = ~crc;
	while (n--) {
		crc ^= *p++;
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

static size_t map_slot_of(const struct map *m, u64 key)
{
	size_t mask = m->cap - 1, i = hash_u64(key) & mask;

	while (m->slots[i].used && m->slots[i].key != key)
		i = (i + 1) & mask;
	return i;
}

u64 *map_get(const struct map *m, u64 key)
{
	size_t i;

	if (!m->cap)
		return NULL;
	i = map_slot_of(m, key);
	return m->slots[i].used ? &m->slots[i].value : NULL;
}

static void map_resize(struct map *m, size_t cap)
{
	struct map old = *m;
	size_t i;

	m->slots = xcalloc(cap, sizeof(*m->slots));
	m->cap = cap;
	for (i = 0; i < old.cap; i++)
		if (old.slots[i].used)
			m->slots[map_slot_of(m, old.slots[i].key)] = old.slots[i];
	free(old.slots);
}

u64 *map_put(struct map *m, u64 key)
{
	size_t i;

	if ((m->n + 1) * 4 > m->cap * 3)
		map_resize(m, m->cap ? m->cap * 2 : 16);
	i = map_slot_of(m, key);
	if (!m->slots[i].used) {
		m->slots[i] = (struct map_slot){.key = key, .used = true};
		m->n++;
	}
	return &m->slots[i].value;
}

/* Backward shift: what the hole would cut off from its home slot moves into it. */
bool map_del(struct map *m, u64 key)
{
	size_t mask = m->cap - 1, hole, i;

	if (!m->cap)
		return false;
	hole = map_slot_of(m, key);
	if (!m->slots[hole].used)
		return false;
	for (i = (hole + 1) & mask; m->slots[i].used; i = (i + 1) & mask) {
		size_t home = hash_u64(m->slots[i].key) & mask;

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole].used = false;
	m->n--;
	return true;
}

bool map_next(const struct map *m, size_t *pos, u64 *key, u64 *value)
{
	while (*pos < m->cap) {
		const struct map_slot *s = &m->slots[(*pos)++];

		if (!s->used)
			continue;
		*key = s->key;
		*value = s->value;
		return true;
	}
	return false;
}

void map_done(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}

/* Slots hold id + 1; 0 is free. */
static u32 *intern_slot(const struct intern *in, const char *s, size_t n)
{
	size_t mask = in->nslots - 1, i = hash_bytes(s, n) & mask;

	while (in->slots[i]) {
		u32 id = in->slots[i] - 1;

		if (intern_len(in, id) == n &&
		    (!n || !memcmp(in->bytes.v + in->offs.v[id], s, n)))
			break;
		i = (i + 1) & mask;
	}
	return &in->slots[i];
}

static void intern_grow(struct intern *in)
{
	u32 id;

	free(in->slots);
	in->nslots = in->nslots ? in->nslots * 2 : 64;
	in->slots = xcalloc(in->nslots, sizeof(*in->slots));
	for (id = 0; id < in->offs.n; id++)
		*intern_slot(in, in->bytes.v + in->offs.v[id], intern_len(in, id)) = id + 1;
}

u32 intern_add(struct intern *in, const char *s, size_t n)
{
	u32 *slot;

	if (!in->offs.n && n)
		intern_add(in, "", 0);
	if ((in->offs.n + 1) * 2 > in->nslots)
		intern_grow(in);
	slot = intern_slot(in, s, n);
	if (*slot)
		return *slot - 1;
	BUG_ON(in->bytes.n + n >= UINT32_MAX);
	vec_push(&in->offs, (u32)in->bytes.n);
	vec_reserve(&in->bytes, in->bytes.n + n + 1);
	if (n)
		memcpy(in->bytes.v + in->bytes.n, s, n);
	in->bytes.n += n + 1;
	in->bytes.v[in->bytes.n - 1] = '\0';
	*slot = (u32)in->offs.n;
	return *slot - 1;
}

u32 intern_adds(struct intern *in, const char *s)
{
	return intern_add(in, s, strlen(s));
}

const char *intern_str(const struct intern *in, u32 id)
{
	if (!id)
		return "";
	BUG_ON(id >= in->offs.n);
	return in->bytes.v + in->offs.v[id];
}

size_t intern_len(const struct intern *in, u32 id)
{
	size_t end;

	if (id >= in->offs.n)
		return 0;
	end = id + 1 < in->offs.n ? in->offs.v[id + 1] : in->bytes.n;
	return end - in->offs.v[id] - 1;
}

void intern_done(struct intern *in)
{
	vec_done(&in->bytes);
	vec_done(&in->offs);
	free(in->slots);
	*in = (struct intern){0};
}
