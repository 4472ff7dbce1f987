/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prof: the one model of a profile. Readers make one, writers and views take one.
 *
 *   strings   interned; id 0 is ""
 *   frames    {name, module, kind}; interned; id 0 is the root's
 *   nodes     a prefix tree; node 0 is the root; a parent's id is smaller than its children's, so
 *             one pass from the last node to the first adds totals up. A stack is the id of its
 *             last (leaf) node. Root-most frame first. The first frame of a stack that belongs to a
 *             thread is the thread's comm (kind FRAME_COMM), as in folded text.
 *   values    up to PROF_VALUES columns (samples, cpu-clock ns, bytes ...); self weight per node
 *   samples   optional (have_samples): one row per event, in time order after prof_finish()
 *   threads   {pid, tid, comm}; processes are threads with the same pid
 *
 *  node:      0 (root)   1          2         3
 *  parent[]   0          0          1         1
 *  frame[]    0          "bash"     "main"    "read"
 *  self[c][]  0          0          7         3         for each value column c
 *
 * Numbers are unsigned 64 bit and saturate (overflow is said in acct). Fractional input is kept in
 * fixed point: the column's scale is what one unit is stored as (1 or 1,000,000).
 *
 * Invariant, tested everywhere: acct.in = sum of self + acct.dropped, per column 0.
 */
#ifndef SPOOR_PROF_H
#define SPOOR_PROF_H

#include "base/base.h"

#define PROF_VALUES 4

enum frame_kind {
	FRAME_USER,
	FRAME_KERNEL,
	FRAME_COMM, /* a process or thread name, not code */
	FRAME_JIT,  /* from a perf map or jitdump */
	FRAME_INLINED,
	FRAME_VDSO,
	FRAME_BPF,
	FRAME_MARK, /* separators such as "--", and "[no stack]", "[truncated]" */
	FRAME_KINDS
};
const char *frame_kind_name(enum frame_kind k); /* "user", "kernel" ... */

struct prof_frame {
	u32 name;   /* string: the symbol as it stands in the file (mangled); see FRAME_UNKNOWN */
	u32 module; /* string: path or [kernel.kallsyms], [vdso]; 0 when not known */
	u64 offset; /* unknown symbols: offset in the module's file; else 0, so that frames merge */
	u8 kind;
	u8 flags;
};
#define FRAME_UNKNOWN 1	 /* no symbol: name is "[module+0xoffset]", or "[unknown]" */
#define FRAME_UNPROVEN 2 /* reached through a frame pointer guess; left for the unwinder */

struct prof_value {
	u32 name; /* "samples", "cpu-clock", "bytes" */
	u32 unit; /* "count", "ns", "bytes", "cycles" */
	u64 scale;
};

struct prof_thread {
	u32 pid, tid; /* as the recording's pid namespace sees them; UINT32_MAX unknown */
	u32 comm;     /* string */
};

/* One event. 32 bytes; samples live in one array. */
struct prof_sample {
	u64 time_ns; /* CLOCK_MONOTONIC of the recording; wall = time_ns + wall_offset_ns */
	u32 node;
	u32 thread;
	u16 cpu;  /* UINT16_MAX unknown */
	u8 value; /* which column weight belongs to, besides column 0 which counts events */
	u8 flags; /* SAMPLE_* */
	u32 pad;
	u64 weight;
};
#define SAMPLE_KSTACK_CUT 1  /* kernel stack hit the depth limit */
#define SAMPLE_USTACK_CUT 2  /* user stack hit the depth limit */
#define SAMPLE_USTACK_NONE 4 /* there should have been a user stack; the kernel gave none */
#define SAMPLE_COMPLETE                                                                            \
	8 /* stack reaches a known root: a thread's start function or main's caller */

/* Something lost or dropped, by reason; "lost" by the kernel or us, "dropped" by a reader. */
struct prof_loss {
	u32 reason; /* string: "ring buffer full", "bad count", "filter" ... */
	bool dropped;
	u64 events; /* lines, records or samples */
	u64 weight; /* of column 0; 0 when unknown */
};

/* How stacks fared, by the module in which they stopped. */
struct prof_health {
	u32 module;   /* string */
	u64 stacks;   /* samples whose user stack ended here */
	u64 complete; /* of these: ended at a proven root */
	u32 hint;     /* string: how to mend it, 0 when nothing is wrong */
};

struct prof_meta {
	u32 hostname, os_release, arch, cmdline, event, cpu_model, version; /* strings */
	u64 start_ns, end_ns; /* CLOCK_MONOTONIC; 0 unknown */
	s64 wall_offset_ns;   /* wall = monotonic + this; 0 unknown */
	u64 freq_hz;	      /* 0: not sampled by time */
	u32 ncpus;
	u64 idle_samples;   /* seen on an idle CPU and not kept */
	u64 cost_cpu_ns;    /* CPU time the recorder used, user + kernel */
	u64 cost_bpf_ns;    /* time in its BPF programs; UINT64_MAX unknown */
	u64 processes;	    /* distinct processes seen */
	bool complete_file; /* the recorder wrote its last chunk */
};

struct prof {
	struct intern strings;
	VEC(struct prof_frame) frames;
	VEC(u32) parent, frame;
	VEC(u64) self[PROF_VALUES];
	struct prof_value values[PROF_VALUES];
	u32 nvalues;
	VEC(struct prof_sample) samples;
	bool have_samples;
	VEC(struct prof_thread) threads;
	VEC(struct prof_loss) losses;
	VEC(struct prof_loss)
	notes; /* nothing is missing, but worth saying: "name was not UTF-8" */
	VEC(struct prof_health) health;
	struct prof_meta meta;
	struct {
		u64 in; /* column 0 weight offered, saturating */
		u64 dropped;
		bool saturated;
	} acct;
	const char *format;	  /* name of the reader that made it */
	u32 n_chunks;		  /* written by spoor_chunk() and spoor_end() so far */
	struct prof_index *index; /* prof_int.h: the hash tables; gone after prof_finish() */
};

void prof_init(struct prof *p); /* one value column: samples/count */
void prof_done(struct prof *p);
/*
 * Empty again, memory kept; for the recorder's chunks. Value columns and meta stay; every other id
 * (string, frame, node, thread) is void, so caches of ids must be emptied too.
 */
void prof_reset(struct prof *p);

u32 prof_string(struct prof *p, const char *s, size_t n);
const char *prof_str(const struct prof *p, u32 string);
u32 prof_frame_id(struct prof *p, const struct prof_frame *f); /* finds or adds */
/* Finds or adds a column. When there is no room it is 0: counted, but without its own weight. */
u32 prof_value_id(struct prof *p, const char *name, const char *unit);
u32 prof_thread_id(struct prof *p, u32 pid, u32 tid, u32 comm_string);

/* The node of `frame` under `parent`, made if need be. parent 0 is the root. */
u32 prof_node(struct prof *p, u32 parent, u32 frame);
/* n frames, root first. */
u32 prof_stack(struct prof *p, const u32 *frames, size_t n);

/* Adds weight to a stack; counts it in acct.in. */
void prof_add(struct prof *p, u32 node, u32 column, u64 weight);
/* A timed event: adds 1 to column 0 and s->weight to column s->value if that is not 0. */
void prof_sample_add(struct prof *p, const struct prof_sample *s);
/* Something that is not in the profile. dropped: weight also goes to acct.in and acct.dropped. */
void prof_lose(struct prof *p, const char *reason, bool dropped, u64 events, u64 weight);
/* Something repaired or guessed: nothing is missing, but the reader of a picture should know. */
void prof_note(struct prof *p, const char *what, u64 events);
/* Makes the scale of a column at least `scale` (1 or 1,000,000): what is there is multiplied. */
void prof_scale_raise(struct prof *p, u32 column, u64 scale);
/* Sorts samples by time, frees the index. Everything below wants a finished profile. */
void prof_finish(struct prof *p);

u64 prof_sum(const struct prof *p, u32 column); /* sum of self */
/* The column to show when none was asked for: the first that is not empty. */
u32 prof_column_default(const struct prof *p);
/* self + children, per node; caller frees with big_free(v, nnodes * 8). */
u64 *prof_totals(const struct prof *p, u32 column);
static inline u32 prof_nnodes(const struct prof *p)
{
	return (u32)p->parent.n;
}
u64 prof_lost(const struct prof *p);	/* events, sum over losses that are not dropped */
u64 prof_dropped(const struct prof *p); /* events, sum over dropped */

/*
 * Copies src into dst (which may have content): strings, frames, threads, values, losses merge.
 * Columns merge by name and unit, column 0 always with column 0. Sample times are moved to dst's
 * clock when both wall offsets are known. dst may be a finished profile and has to be finished
 * again if samples came in.
 */
void prof_merge(struct prof *dst, const struct prof *src);

/*
 * Rewrites names of frames in place of copies: fn gets the raw name and appends the shown one to
 * out, or returns false to leave it. Frames that become equal merge, and so do the nodes. This is
 * how commands demangle (sym may not be included from here).
 */
typedef bool (*prof_rename_fn)(const char *raw, struct buf *out, void *arg);
void prof_rename(struct prof *p, prof_rename_fn fn, void *arg);

/* What to keep. NULL or zero members keep all. Dropped weight is counted with reason "filter". */
struct prof_filter {
	struct opt_list pids, tids, cpus, comms; /* comms: globs */
	const char *frame_regex; /* POSIX extended; stacks with a frame that matches */
	prof_rename_fn shown;	 /* names are matched as shown, too; NULL: only as they are */
	u64 from_ns, to_ns;	 /* relative to meta.start_ns; to_ns 0 = end */
};
int prof_filter(struct prof *p, const struct prof_filter *f); /* 0, or -EINVAL with a message */

/* ---- formats: one file each, one line in table.c -----------------------------------------------
 */

struct prof_write_opts {
	u32 column;    /* which value; ~0u = the default column */
	bool annotate; /* _[k] _[j] _[i] after names */
};

struct prof_format {
	const char *name; /* "folded" */
	const char *exts; /* "folded|txt" */
	const char *help; /* one line */
	/* 0..100: how sure we are that these first bytes are ours. */
	int (*sniff)(const char *head, size_t n);
	/* Reads all of in. 0, or -errno with a message that has the place (line or offset). */
	int (*read)(struct in *in, struct prof *p);
	int (*write)(struct out *out, const struct prof *p, const struct prof_write_opts *o);
	const char *cannot; /* what it cannot carry, e.g. "time, cpu, threads" */
	bool binary;	    /* not for a terminal */
};
extern const struct prof_format *const prof_formats[]; /* NULL-terminated */
const struct prof_format *prof_format_find(const char *name);
/* The same for one that can be written; NULL with a message. */
const struct prof_format *prof_format_to_write(const char *name);

/*
 * Opens, tells the format by content (or by name when format is not NULL), reads and finishes.
 * path "-" is stdin. 0 or -errno with a message. Data that could not be used is in losses.
 */
int prof_load(struct prof *p, const char *path, const char *format);
int prof_load_in(struct prof *p, struct in *in, const char *format);
int prof_save(const struct prof *p, const char *path, const char *format,
	      const struct prof_write_opts *o);
/* One line for stderr when anything was lost or dropped ("" otherwise). */
void prof_loss_line(const struct prof *p, struct buf *b);

/* ---- the recording file (.spoor, docs/format.md): written in chunks by the recorder -------------
 */

/*
 * spoor_begin writes the file's head; spoor_chunk writes p (need not be finished) as one
 * self-contained, checksummed, compressed chunk and flushes; spoor_end does the same and says that
 * this was the last one. 0 or -errno. Between chunks the recorder calls prof_reset().
 *
 * What a reader does with several chunks: weights, samples, losses, notes and health are what came
 * since the chunk before, and add up. meta is the state of the recording when the chunk was
 * written (idle_samples, cost_*, processes, end_ns count from its start), and the last one read
 * holds. A reader that finds no last chunk says "recording was cut off".
 */
int spoor_begin(struct out *out);
int spoor_chunk(struct out *out, struct prof *p);
int spoor_end(struct out *out, struct prof *p);

#endif
