// SPDX-License-Identifier: Apache-2.0
#include "run/stacks_int.h"

#define RAW_STACKS_MAX 32768
#define RAW_WORDS_MAX (1u << 20) /* 8 MB */
#define RESOLVED_MAX 32768
#define FRAMES_MAX (1u << 17)

/* Where the stack of a thread begins. */
static const char *const user_roots[] = {
	"_start",
	"__libc_start_main",
	"__libc_start_main_impl",
	"__libc_start_call_main",
	"__libc_start_main@@GLIBC_2.34",
	"generic_start_main",
	"_dl_start",
	"_dl_start_user",
	"_dlstart",
	"clone",
	"__clone",
	"clone3",
	"__clone3",
	"start_thread",
	"thread_start",
	"__thread_start",
	"__pthread_start",
	"runtime.goexit",
	"runtime.goexit.abi0",
	"runtime.rt0_go",
	"runtime.rt0_go.abi0",
	"runtime.mstart",
	"runtime.mstart.abi0",
	"_rt0_amd64_linux",
	"_rt0_arm64_linux",
};
static const char *const kernel_roots[] = {
	"ret_from_fork",       "ret_from_fork_asm",    "kthread",
	"cpu_startup_entry",   "start_secondary",      "start_kernel",
	"common_startup_64",   "secondary_startup_64", "secondary_startup_64_no_verify",
	"x86_64_start_kernel", "__secondary_switched", "rest_init",
};

static bool listed(const char *name, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

/* ---- raw stacks --------------------------------------------------------------------------------
 */

static void raw_done(struct raw_stacks *r)
{
	map_done(&r->by_hash);
	vec_done(&r->words);
}

void stacks_take(struct stacks *s, const struct sampler_event *e)
{
	size_t n = (size_t)e->nk + e->nu, at = s->raw.words.n;
	u64 *slot;

	if (!e->new_stack)
		return;
	slot = map_put(&s->raw.by_hash, e->stack_hash);
	if (*slot)
		return; /* sent again, or by two CPUs at once */
	*slot = at + 1;
	vec_reserve(&s->raw.words, at + n + 3);
	s->raw.words.v[at] = (u64)e->nk << 32 | e->nu;
	s->raw.words.v[at + 1] = e->leaf_ret;
	s->raw.words.v[at + 2] = e->leaf_entry;
	if (n)
		memcpy(s->raw.words.v + at + 3, e->ips, n * sizeof(u64));
	s->raw.words.n = at + n + 3;
}

static const u64 *raw_find(const struct stacks *s, u64 hash)
{
	const u64 *slot = map_get(&s->raw.by_hash, hash);

	if (slot)
		return s->raw.words.v + *slot - 1;
	slot = map_get(&s->old_raw.by_hash, hash);
	return slot ? s->old_raw.words.v + *slot - 1 : NULL;
}

/* ---- frames ------------------------------------------------------------------------------------
 */

static u32 frame_get(struct stacks *s, const struct stack_frame *f)
{
	u64 key = hash_u64((u64)f->name << 32 | f->module) ^ hash_u64(f->offset + f->kind), *slot;

	for (;; key++) {
		const struct stack_frame *have;

		slot = map_put(&s->by_frame, key);
		if (!*slot)
			break;
		have = &s->frames.v[*slot - 1];
		if (have->name == f->name && have->module == f->module &&
		    have->offset == f->offset && have->kind == f->kind)
			return (u32)*slot - 1;
	}
	vec_push(&s->frames, *f);
	*slot = s->frames.n;
	return (u32)s->frames.n - 1;
}

static u32 mark_frame(struct stacks *s, const char *name, u8 kind)
{
	struct stack_frame f = {.name = intern_adds(&s->names, name), .kind = kind};

	return frame_get(s, &f);
}

static u8 frame_kind(u8 sym_kind)
{
	static const u8 kinds[] = {
		[SYM_USER] = FRAME_USER, [SYM_KERNEL] = FRAME_KERNEL, [SYM_JIT] = FRAME_JIT,
		[SYM_VDSO] = FRAME_VDSO, [SYM_BPF] = FRAME_BPF,
	};

	return sym_kind < ARRAY_SIZE(kinds) ? kinds[sym_kind] : FRAME_USER;
}

static u32 result_frame(struct stacks *s, const struct sym_result *r)
{
	struct stack_frame f = {.kind = frame_kind(r->kind)};
	const char *module = r->module ? r->module : "", *base = strrchr(module, '/');
	char name[256];

	f.module = intern_adds(&s->names, module);
	if (r->name && r->name[0]) {
		f.name = intern_adds(&s->names, r->name);
		return frame_get(s, &f);
	}
	f.flags = FRAME_UNKNOWN;
	f.offset = r->offset;
	base = base && base[1] ? base + 1 : module;
	if (base[0] == '[' && base[strlen(base) - 1] == ']')
		snprintf(name, sizeof(name), "[%.*s+0x%llx]", (int)strlen(base) - 2, base + 1,
			 (unsigned long long)r->offset);
	else
		snprintf(name, sizeof(name), "[%.200s+0x%llx]", base,
			 (unsigned long long)r->offset);
	f.name = intern_adds(&s->names, name);
	return frame_get(s, &f);
}

/* An address that belongs to nothing, or to code without a file. All of a kind are one frame. */
static u32 nowhere_frame(struct stacks *s, const char *name)
{
	struct stack_frame f = {
		.name = intern_adds(&s->names, name), .kind = FRAME_USER, .flags = FRAME_UNKNOWN};

	return frame_get(s, &f);
}

static u32 kernel_frame(struct stacks *s, u64 addr)
{
	u64 *slot = map_put(&s->by_addr, hash_u64(addr));
	struct sym_result r = {0};
	u32 no;

	if (*slot)
		return (u32)*slot - 1;
	sym_kernel(s->sym, addr, &r);
	if (!r.module)
		r.module = "[kernel.kallsyms]";
	if (!r.name)
		r.kind = SYM_KERNEL;
	no = result_frame(s, &r);
	*map_put(&s->by_addr, hash_u64(addr)) = no + 1;
	return no;
}

/* in: the file the address is in, NULL when in none. */
static u32 user_frame(struct stacks *s, struct proc *pr, u64 pc, struct map_file **in)
{
	const struct mapping *m = proc_mapping(pr, pc);
	struct sym_result r = {0};
	u64 off, key, *slot;
	u32 no;

	*in = NULL;
	if (!m && procs_reread(s->procs, pr, clock_mono_ns()))
		m = proc_mapping(pr, pc);
	if (!m || m->file->anon) {
		if (m)
			*in = m->file;
		if (sym_perf_map(s->sym, (pid_t)pr->pid, pc, &r) && r.name)
			return result_frame(s, &r);
		return nowhere_frame(s, m ? "[anon]" : "[unknown]");
	}
	*in = m->file;
	off = pc - m->start + m->pgoff;
	key = hash_u64((uintptr_t)m->file) ^ hash_u64(off + 1);
	slot = map_put(&s->by_addr, key);
	if (*slot)
		return (u32)*slot - 1;
	if (!m->file->mod)
		m->file->mod = sym_module(s->sym, (pid_t)pr->pid, m->start, m->end, m->file->path,
					  &m->file->id);
	sym_lookup(s->sym, m->file->mod, off, &r);
	if (!r.module)
		r.module = m->file->path;
	no = result_frame(s, &r);
	*slot = no + 1;
	return no;
}

/* ---- resolving ---------------------------------------------------------------------------------
 */

static u32 health_index(struct stacks *s, const struct map_file *f)
{
	u32 module = intern_adds(&s->names, f ? f->path : "[unknown]");
	size_t i;

	for (i = 0; i < s->health.n; i++)
		if (s->health.v[i].module == module)
			break;
	if (i == s->health.n)
		vec_push(&s->health, (struct stack_health){.module = module});
	if (f && f->mod)
		s->health.v[i].mod = f->mod;
	return (u32)i + 1;
}

static const char *frame_name(const struct stacks *s, u32 no)
{
	return intern_str(&s->names, s->frames.v[no].name);
}

/* nos: user frames, leaf first. A thread's first function, or what called main. */
static bool user_complete(const struct stacks *s, const u32 *nos, u32 n)
{
	const char *root = frame_name(s, nos[n - 1]);

	if (listed(root, user_roots, ARRAY_SIZE(user_roots)))
		return true;
	return n > 1 && !strcmp(frame_name(s, nos[n - 2]), "main");
}

/*
 * The address to look up. A return address may be the first of the next function, so the call
 * before it counts; what was interrupted is exact. Out of a system call the user's address is a
 * return address too.
 */
static u64 lookup_pc(u64 ip, u32 i, bool in_syscall)
{
	return ip - (i || in_syscall ? 1 : 0);
}

/* Whether the function of frame no, which pc is in, begins at entry. */
static bool begins_at(struct stacks *s, struct proc *pr, u64 pc, u32 no, u64 entry)
{
	const struct mapping *m = proc_mapping(pr, entry);
	struct map_file *in;
	struct sym_result r = {0};

	if (!m || m != proc_mapping(pr, pc) || m->file->anon || !m->file->mod ||
	    user_frame(s, pr, entry, &in) != no)
		return false;
	sym_lookup(s->sym, m->file->mod, entry - m->start + m->pgoff, &r);
	return r.name && !r.offset;
}

/* The user addresses' frames, leaf first, without what cannot be code; their number. */
static u32 user_frames(struct stacks *s, struct proc *pr, const u64 *raw, bool in_syscall, u32 *nos,
		       struct map_file **last)
{
	u32 nk = (u32)(raw[0] >> 32), n_raw = MIN((u32)raw[0], SAMPLER_MAX_STACK);
	u64 leaf_ret = raw[1], leaf_entry = raw[2];
	const u64 *ips = raw + 3 + nk;
	u32 i, n = 0, n_mapped = 1;
	struct map_file *in;

	for (i = 0; i < n_raw; i++) {
		nos[n++] = user_frame(s, pr, lookup_pc(ips[i], i, in_syscall), &in);
		if (!i && leaf_ret && (n_raw < 2 || ips[1] != leaf_ret) &&
		    begins_at(s, pr, ips[0], nos[0], leaf_entry))
			nos[n++] = user_frame(s, pr, leaf_ret - 1, &in);
		if (in) {
			*last = in;
			n_mapped = n;
		}
	}
	/* Callers outside any code are what a register that holds no frame pointer points to. */
	return MIN(n, n_mapped);
}

static void resolve_user(struct stacks *s, struct proc *pr, const u64 *raw, bool in_syscall,
			 struct stack *st)
{
	u32 nos[SAMPLER_MAX_STACK + 1], n;
	struct map_file *last = NULL;

	n = user_frames(s, pr, raw, in_syscall, nos, &last);
	if (user_complete(s, nos, n)) {
		st->flags |= SAMPLE_COMPLETE;
		st->flags &= (u8)~SAMPLE_USTACK_CUT;
	}
	st->health = health_index(s, last);
	if (st->flags & SAMPLE_USTACK_CUT)
		vec_push(&s->frame_nos, mark_frame(s, "[truncated]", FRAME_MARK));
	while (n--)
		vec_push(&s->frame_nos, nos[n]);
}

static bool is_syscall_entry(const char *name)
{
	return strstr(name, "SYSCALL") || strstr(name, "el0_svc") || !strcmp(name, "do_syscall_64");
}

static void resolve(struct stacks *s, struct stack *st, const struct sampler_event *e,
		    struct proc *pr, const u64 *raw)
{
	u32 nk = (u32)(raw[0] >> 32), nu = (u32)raw[0], knos[SAMPLER_MAX_STACK], i;
	bool in_syscall = false, kroot = false, no_user = !pr || pr->kthread || !e->pid;

	nk = MIN(nk, SAMPLER_MAX_STACK);
	for (i = 0; i < nk; i++)
		knos[i] = kernel_frame(s, raw[3 + i] - (i ? 1 : 0));
	if (nk) {
		const char *root = frame_name(s, knos[nk - 1]);

		in_syscall = is_syscall_entry(root);
		kroot = listed(root, kernel_roots, ARRAY_SIZE(kernel_roots));
	}
	st->flags = e->flags & (SAMPLER_KSTACK_CUT | SAMPLER_USTACK_CUT);
	if (e->flags & SAMPLER_OTHER_NS)
		vec_push(&s->frame_nos, mark_frame(s, "[other pid namespace]", FRAME_MARK));
	else if (s->want_user && nu && pr)
		resolve_user(s, pr, raw, in_syscall, st);
	else if (s->want_user && !no_user) {
		st->flags |= SAMPLE_USTACK_NONE;
		vec_push(&s->frame_nos, mark_frame(s, "[no user stack]", FRAME_MARK));
	}
	if (!s->want_user || (no_user && !nu && kroot))
		st->flags |= SAMPLE_COMPLETE;
	if (st->flags & SAMPLE_KSTACK_CUT) {
		st->flags &= (u8)~SAMPLE_COMPLETE;
		vec_push(&s->frame_nos, mark_frame(s, "[truncated]", FRAME_MARK));
	}
	while (nk--)
		vec_push(&s->frame_nos, knos[nk]);
}

struct stack *stacks_resolve(struct stacks *s, const struct sampler_event *e, struct proc *pr)
{
	const u64 *raw = raw_find(s, e->stack_hash);
	u32 comm = intern_adds(&s->names, e->comm[0] ? e->comm : "[no name]");
	u64 gen = pr && pr->maps ? pr->maps->gen : 0, key, *slot;
	struct stack st = {0};

	if (!raw) {
		s->missing++;
		return NULL;
	}
	key = e->stack_hash ^ hash_u64(gen + (s->kernel_gen << 44)) ^
	      hash_u64((u64)comm << 8 | (e->flags & SAMPLER_OTHER_NS));
	slot = map_put(&s->by_key, key);
	if (*slot)
		return &s->resolved.v[*slot - 1];
	*slot = s->resolved.n + 1;
	st.first = (u32)s->frame_nos.n;
	vec_push(&s->frame_nos, mark_frame(s, intern_str(&s->names, comm), FRAME_COMM));
	resolve(s, &st, e, pr, raw);
	st.n = (u32)s->frame_nos.n - st.first;
	vec_push(&s->resolved, st);
	return &s->resolved.v[s->resolved.n - 1];
}

/* ---- into the profile --------------------------------------------------------------------------
 */

static u32 prof_string_of(const struct stacks *s, struct prof *p, u32 name)
{
	return prof_string(p, intern_str(&s->names, name), intern_len(&s->names, name));
}

static u32 prof_frame_of(struct stacks *s, struct prof *p, u32 no)
{
	struct stack_frame *f = &s->frames.v[no];
	struct prof_frame pf;

	if (f->chunk == s->chunk)
		return f->prof_id;
	pf = (struct prof_frame){.name = prof_string_of(s, p, f->name),
				 .module = prof_string_of(s, p, f->module),
				 .offset = f->offset,
				 .kind = f->kind,
				 .flags = f->flags};
	f->chunk = s->chunk;
	f->prof_id = prof_frame_id(p, &pf);
	return f->prof_id;
}

u32 stacks_node(struct stacks *s, struct stack *st, struct prof *p)
{
	u32 node = 0, i;

	if (st->health) {
		s->health.v[st->health - 1].stacks++;
		s->health.v[st->health - 1].complete += !!(st->flags & SAMPLE_COMPLETE);
	}
	if (st->chunk == s->chunk)
		return st->node;
	for (i = 0; i < st->n; i++)
		node = prof_node(p, node, prof_frame_of(s, p, s->frame_nos.v[st->first + i]));
	st->chunk = s->chunk;
	st->node = node;
	return node;
}

void stacks_chunk_end(struct stacks *s, struct prof *p)
{
	size_t i;

	for (i = 0; i < s->health.n; i++) {
		struct stack_health *h = &s->health.v[i];
		struct prof_health ph = {.stacks = h->stacks, .complete = h->complete};
		const char *hint = "";

		if (!h->stacks)
			continue;
		if (h->mod && h->complete < h->stacks)
			hint = sym_module_hint(s->sym, h->mod);
		ph.module = prof_string_of(s, p, h->module);
		ph.hint = prof_string(p, hint, strlen(hint));
		vec_push(&p->health, ph);
		h->stacks = h->complete = 0;
	}
	s->chunk++;
}

void stacks_kernel_changed(struct stacks *s)
{
	s->kernel_gen++;
	map_done(&s->by_addr);
}

static void resolved_done(struct stacks *s)
{
	map_done(&s->by_key);
	map_done(&s->by_frame);
	map_done(&s->by_addr);
	vec_done(&s->resolved);
	vec_done(&s->frame_nos);
	vec_done(&s->frames);
	vec_done(&s->health);
	intern_done(&s->names);
}

bool stacks_trim(struct stacks *s)
{
	bool raw = s->raw.by_hash.n >= RAW_STACKS_MAX || s->raw.words.n >= RAW_WORDS_MAX;

	if (raw) {
		raw_done(&s->old_raw);
		s->old_raw = s->raw;
		memset(&s->raw, 0, sizeof(s->raw));
	}
	if (raw || s->resolved.n >= RESOLVED_MAX || s->frames.n >= FRAMES_MAX)
		resolved_done(s);
	return raw;
}

void stacks_init(struct stacks *s, struct sym_ctx *sym, struct procs *procs,
		 const struct sampler_opts *o)
{
	memset(s, 0, sizeof(*s));
	s->sym = sym;
	s->procs = procs;
	s->want_user = o->user;
	s->want_kernel = o->kernel;
	s->chunk = 1;
}

void stacks_done(struct stacks *s)
{
	raw_done(&s->raw);
	raw_done(&s->old_raw);
	resolved_done(s);
}
