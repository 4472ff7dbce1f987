// SPDX-License-Identifier: Apache-2.0
/*
 * Where a few members lie in the kernel's structures, by one pass over its BTF. libbpf would do it
 * too, but it takes about 100 ms to index all 150,000 types; this takes a few.
 */
#include <fcntl.h>
#include <linux/btf.h>
#include <unistd.h>

#include "bpf/bpf_int.h"

#define BTF_PATH "/sys/kernel/btf/vmlinux"
#define BTF_MAX_BYTES (64u << 20)
#define NOT_FOUND UINT32_MAX

struct wanted {
	const char *type, *member; /* member NULL: the size of the type */
	u32 *off;
};

struct btf_pass {
	const char *strs;
	size_t strs_bytes;
	const struct wanted *want;
	size_t n_want;
};

static const char *btf_str(const struct btf_pass *b, u32 off)
{
	return off < b->strs_bytes ? b->strs + off : "";
}

/* Bytes that follow a type's head; -1 for a kind that we do not know. */
static s64 tail_bytes(u32 kind, u32 vlen)
{
	switch (kind) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 12 * (s64)vlen;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 8 * (s64)vlen;
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

static void struct_seen(const struct btf_pass *b, const char *name, u32 size_bytes, bool kflag,
			u32 vlen, struct rd members)
{
	const struct wanted *end = b->want + b->n_want, *w;
	u32 i;

	for (w = b->want; w < end; w++)
		if (!strcmp(w->type, name))
			break;
	if (w == end)
		return;
	for (w = b->want; w < end; w++)
		if (!w->member && *w->off == NOT_FOUND && !strcmp(w->type, name))
			*w->off = size_bytes;
	for (i = 0; i < vlen; i++) {
		const char *member = btf_str(b, rd_u32(&members));
		u32 bits;

		rd_u32(&members); /* its type */
		bits = rd_u32(&members);
		if (kflag)
			bits &= 0xffffff;
		for (w = b->want; w < end; w++)
			if (w->member && *w->off == NOT_FOUND && !strcmp(w->type, name) &&
			    !strcmp(w->member, member))
				*w->off = bits / 8;
	}
}

static int types_walk(const struct btf_pass *b, struct rd r)
{
	while (r.p < r.end) {
		u32 name = rd_u32(&r), info = rd_u32(&r), size_bytes = rd_u32(&r);
		u32 kind = BTF_INFO_KIND(info), vlen = BTF_INFO_VLEN(info);
		s64 tail = tail_bytes(kind, vlen);
		const u8 *p;

		if (r.bad || tail < 0)
			return -EBADMSG;
		p = rd_bytes(&r, (size_t)tail);
		if (!p)
			return -EBADMSG;
		if (kind == BTF_KIND_STRUCT)
			struct_seen(b, btf_str(b, name), size_bytes, BTF_INFO_KFLAG(info), vlen,
				    (struct rd){p, p + tail, false});
	}
	return 0;
}

int btf_offs_parse(const void *btf, size_t n, struct sampler_offs *o)
{
	u32 ns = NOT_FOUND, inum = NOT_FOUND;
	const struct wanted want[] = {
		{"task_struct", "pid", &o->task_pid},
		{"task_struct", "tgid", &o->task_tgid},
		{"task_struct", "thread_pid", &o->task_thread_pid},
		{"task_struct", "group_leader", &o->task_group_leader},
		{"pid", "level", &o->pid_level},
		{"pid", "numbers", &o->pid_numbers},
		{"upid", NULL, &o->upid_size},
		{"upid", "nr", &o->upid_nr},
		{"upid", "ns", &o->upid_ns},
		{"pid_namespace", "ns", &ns},
		{"ns_common", "inum", &inum},
	};
	struct btf_pass b = {.want = want, .n_want = ARRAY_SIZE(want)};
	const struct btf_header *h = btf;
	const u8 *p = btf;
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_SIZE(want); i++)
		*want[i].off = NOT_FOUND;
	if (n < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len > n)
		return -EBADMSG;
	n -= h->hdr_len;
	p += h->hdr_len;
	if (h->type_off > n || h->type_len > n - h->type_off || h->str_off > n ||
	    h->str_len > n - h->str_off || !h->str_len || p[h->str_off + h->str_len - 1])
		return -EBADMSG;
	b.strs = (const char *)p + h->str_off;
	b.strs_bytes = h->str_len;
	p += h->type_off;
	rc = types_walk(&b, (struct rd){p, p + h->type_len, false});
	/* A kind from the future ends the walk; what was found before it stands. */
	for (i = 0; i < ARRAY_SIZE(want); i++)
		if (*want[i].off == NOT_FOUND)
			return rc ? rc : -ENOENT;
	o->pidns_inum = ns + inum;
	return 0;
}

int btf_offs_read(struct sampler_offs *o)
{
	int fd = open(BTF_PATH, O_RDONLY | O_CLOEXEC), rc;
	size_t n = 0, cap = 0;
	u8 *p = NULL;
	ssize_t got;

	if (fd < 0)
		return err(-errno, "cannot open %s", BTF_PATH);
	do {
		if (cap - n < (1u << 20)) {
			size_t more = cap ? cap * 2 : 8u << 20;

			p = big_realloc(p, cap, more);
			cap = more;
		}
		got = read(fd, p + n, cap - n);
		n += got > 0 ? (size_t)got : 0;
	} while (got > 0 && n < BTF_MAX_BYTES);
	rc = got < 0 ? err(-errno, "cannot read %s", BTF_PATH) : btf_offs_parse(p, n, o);
	if (got >= 0 && rc)
		err(rc, "%s: the members looked for are not there", BTF_PATH);
	big_free(p, cap);
	close(fd);
	return rc;
}
