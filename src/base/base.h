/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: the little things everything else is made of. No Linux facts in here, and no knowledge of
 * what spoor does. May include nothing of spoor's.
 */
#ifndef SPOOR_BASE_H
#define SPOOR_BASE_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))

/* Puts a file of the source tree into the binary: name[], NUL-terminated, and name_end. */
#define EMBED(name, path)                                                                          \
	__asm__(".pushsection .rodata\n.global " #name "\n" #name ":\n.incbin \"" path             \
		"\"\n.global " #name "_end\n" #name "_end:\n.byte 0\n.popsection\n");              \
	extern const char name[], name##_end[]
#define NSEC_PER_SEC 1000000000ull

/* ---- err.c: the four words for failure (HACKING.md) ---------------------------------------- */

/* A programmer's mistake: say where and abort. Never for the world's or the user's mistakes. */
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!!(cond), 0))                                                 \
			base_bug(__FILE__, __LINE__, #cond);                                       \
	} while (0)
void base_bug(const char *file, int line, const char *what) __attribute__((noreturn));

/*
 * The world failed. err() remembers the message for this thread (a new one replaces the old one)
 * and returns its first argument, a negative errno, so that one line does: return err(-errno, ...).
 * It adds ": No such file or directory" itself, but not for EINVAL and EBADMSG, which mean bad
 * input that the message describes. err_ctx() puts "text: " before the remembered message.
 * err_try() remembers what would help; it is printed as the `try:` line. main prints both once,
 * with err_print(). The per-thread message is the counterpart of errno, and like errno it means
 * something only right after a failure.
 */
int err(int negative_errno, const char *fmt, ...) PRINTF(2, 3);
int err_ctx(int negative_errno, const char *fmt, ...) PRINTF(2, 3);
void err_try(const char *fmt, ...) PRINTF(1, 2);
const char *err_msg(void);  /* "" when there is none */
const char *err_hint(void); /* the err_try() text, "" when there is none */
void err_clear(void);
void err_print(const char *command); /* `spoor: COMMAND: msg` and `try: hint` on stderr; clears */

/* Messages for people on stderr. Level 0 says warnings only, -1 (-q) nothing, 1 (-v) info, 2 debug.
 */
extern int log_level;
void log_warn(const char *fmt, ...) PRINTF(1, 2);
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_debug(const char *fmt, ...) PRINTF(1, 2);

/* ---- mem.c: memory; running out of it is a bug, so nothing here returns NULL ---------------- */

void *xmalloc(size_t size_bytes);
void *xcalloc(size_t n, size_t size_bytes);
void *xrealloc(void *p, size_t size_bytes);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF(1, 2);

/* An arena frees everything at once; nothing inside is freed alone. Zero it or arena_init() it. */
struct arena {
	struct arena_block *head;
	size_t size_bytes; /* asked for so far */
};
void arena_init(struct arena *a);
void *arena_alloc(struct arena *a, size_t size_bytes); /* zeroed, 8-byte aligned */
char *arena_strndup(struct arena *a, const char *s, size_t n);
void arena_done(struct arena *a);

/*
 * VEC(T): a growable array. Zero is empty. big_realloc() underneath maps memory from the kernel
 * above 1 MiB and grows it in place or by remapping, so a huge array never exists twice.
 */
#define VEC(T)                                                                                     \
	struct {                                                                                   \
		T *v;                                                                              \
		size_t n, cap;                                                                     \
	}
#define vec_reserve(vec, want)                                                                     \
	do {                                                                                       \
		if ((vec)->cap < (size_t)(want))                                                   \
			(vec)->v = vec_grow_((vec)->v, &(vec)->cap, (want), sizeof(*(vec)->v));    \
	} while (0)
#define vec_push(vec, ...)                                                                         \
	do {                                                                                       \
		vec_reserve(vec, (vec)->n + 1);                                                    \
		(vec)->v[(vec)->n++] = (__VA_ARGS__);                                              \
	} while (0)
#define vec_done(vec)                                                                              \
	do {                                                                                       \
		big_free((vec)->v, (vec)->cap * sizeof(*(vec)->v));                                \
		(vec)->v = NULL;                                                                   \
		(vec)->n = (vec)->cap = 0;                                                         \
	} while (0)
void *vec_grow_(void *v, size_t *cap, size_t want, size_t elem_bytes);
void *big_realloc(void *p, size_t old_bytes, size_t new_bytes); /* new part beyond 1 MiB is zero */
void big_free(void *p, size_t size_bytes);

/* ---- str.c: strings -------------------------------------------------------------------------- */

/* A view: not owned, not terminated. */
struct str {
	const char *p;
	size_t n;
};
#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})
static inline struct str str_of(const char *s)
{
	return (struct str){s, strlen(s)};
}
static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && !memcmp(a.p, b.p, a.n);
}
static inline bool str_starts(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}
bool str_ends(const char *s, const char *suffix);
bool str_glob(const char *pattern, const char *s); /* * and ? */

/* A growable byte string; p is always NUL-terminated after the first add, and NULL before. */
struct buf {
	char *p;
	size_t n, cap;
};
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_addvf(struct buf *b, const char *fmt, va_list ap) PRINTF(2, 0);
void buf_add_u64(struct buf *b, u64 v); /* decimal; the fast way */
void buf_reset(struct buf *b);
void buf_done(struct buf *b);
const char *buf_str(const struct buf *b); /* "" when empty */

/* LEB128, as in DWARF and protobuf; signed numbers are zigzagged. */
void buf_uvarint(struct buf *b, u64 v);
void buf_svarint(struct buf *b, s64 v);

/* A reader of untrusted bytes: reads past the end give 0 and set bad, so one check at the end does.
 */
struct rd {
	const u8 *p, *end;
	bool bad;
};
u64 rd_uvarint(struct rd *r);
s64 rd_svarint(struct rd *r);
u8 rd_u8(struct rd *r);
u16 rd_u16(struct rd *r); /* little endian, unaligned */
u32 rd_u32(struct rd *r);
u64 rd_u64(struct rd *r);
const void *rd_bytes(struct rd *r, size_t n); /* NULL and bad when fewer are left */

/* Numbers and times from people. 0 or -EINVAL; the whole string must be eaten. */
int parse_u64(const char *s, u64 *out);	   /* decimal or 0x */
int parse_dur_ns(const char *s, u64 *out); /* 10 = 10s; 10s 500ms 20us 5ns 2m 1h 1.5s */
int parse_size(const char *s, u64 *out);   /* bytes; 64K 10M 1G */
int parse_cpulist(const char *s, struct buf *bitmap_bytes); /* 0-3,5: one byte (0/1) per CPU */
/* Numbers for people, into out (at least 16 bytes); returns out. */
char *fmt_dur(char *out, u64 ns);     /* 12.3 ms */
char *fmt_size(char *out, u64 bytes); /* 1.2 MB */
char *fmt_count(char *out, u64 n);    /* 1,234,567 (at least 28 bytes) */

/*
 * Escaping for the place where text lands. Input is any bytes; bytes that are not UTF-8 and control
 * characters become U+FFFD (in a terminal: visible as \xNN), so the output is always well formed.
 */
void esc_xml(struct buf *b, const char *s, size_t n);  /* element text and both kinds of quotes */
void esc_json(struct buf *b, const char *s, size_t n); /* inside "..."; also safe in <script> */
void esc_term(struct buf *b, const char *s, size_t n);
size_t utf8_len(const char *s, size_t n); /* bytes of the valid sequence at s, 0 if none */

/* ---- map.c: tables --------------------------------------------------------------------------- */

u64 hash_bytes(const void *p, size_t n);
static inline u64 hash_u64(u64 x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	return x ^ (x >> 32);
}
u32 crc32c(u32 crc, const void *p, size_t n); /* Castagnoli, as in iSCSI and ext4; start with 0 */

/* u64 -> u64, open addressing. Zero it to start. */
struct map {
	struct map_slot *slots;
	size_t n, cap;
};
u64 *map_get(const struct map *m, u64 key); /* NULL when absent; valid until the next put */
u64 *map_put(struct map *m, u64 key);	    /* the value's place, 0 when new */
bool map_del(struct map *m, u64 key);
bool map_next(const struct map *m, size_t *pos, u64 *key, u64 *value); /* start with *pos = 0 */
void map_done(struct map *m);

/* Strings <-> dense ids 0, 1, 2...; id 0 is "" . Names are interned once and compared as ids. */
struct intern {
	VEC(char) bytes; /* every string, NUL-terminated */
	VEC(u32) offs;	 /* id -> offset >> 0 in bytes (up to 4 GiB of names) */
	u32 *slots;
	size_t nslots;
};
u32 intern_add(struct intern *in, const char *s, size_t n);
u32 intern_adds(struct intern *in, const char *s);
const char *intern_str(const struct intern *in, u32 id);
size_t intern_len(const struct intern *in, u32 id);
static inline u32 intern_count(const struct intern *in)
{
	return in->offs.n ? (u32)in->offs.n : 1;
}
void intern_done(struct intern *in);

/* ---- out.c: writing files -------------------------------------------------------------------- */

/*
 * A buffered output. path "-" is stdout. With atomic, a file is written beside its place and
 * renamed by out_close(), so that nobody ever sees half of it; out_abort() removes it. Opening says
 * at once whether the place is writable. Write errors are remembered and returned by out_flush()
 * and out_close(); after the first one nothing more is written.
 */
struct out;
struct out *out_open(const char *path, bool atomic); /* NULL: see err_msg() */
struct out *out_fd(int fd);			     /* does not own the fd */
struct out *out_mem(struct buf *b);		     /* for tests, and for building in memory */
void out_write(struct out *o, const void *p, size_t n);
void out_puts(struct out *o, const char *s);
void out_printf(struct out *o, const char *fmt, ...) PRINTF(2, 3);
void out_buf(struct out *o, struct buf *b); /* writes and resets b */
u64 out_bytes(const struct out *o);
int out_flush(struct out *o);
int out_error(const struct out *o); /* 0 or the first -errno */
int out_close(struct out *o);
void out_abort(struct out *o);

/* Input: a file or "-", plain or .gz or .zst (found by content), in blocks. */
struct in;
struct in *in_open(const char *path); /* NULL: see err_msg() */
struct in *in_mem(const void *p, size_t n, const char *name);
/* Up to 64 KiB from the start, without consuming it; for telling formats apart. */
size_t in_peek(struct in *in, const char **p);
ssize_t in_read(struct in *in, void *p, size_t n); /* 0 at the end, -errno */
const char *in_name(const struct in *in);
void in_close(struct in *in);

/* ---- json.c: a JSON writer (commas and nesting are its business) ------------------------------
 */

struct json {
	struct out *out;
	struct buf b;
	u8 depth;
	bool first[32]; /* per depth: nothing written yet */
	char close[32]; /* per depth: '}' or ']' */
	bool pretty;
};
/* Several values at the top come out one per line. NaN and infinities become null. */
void json_init(struct json *j, struct out *out, bool pretty);
void json_obj(struct json *j, const char *key); /* key is NULL inside arrays and at the top */
void json_arr(struct json *j, const char *key);
void json_end(struct json *j);					   /* closes what was opened last */
void json_str(struct json *j, const char *key, const char *value); /* NULL: null */
void json_strn(struct json *j, const char *key, const char *value, size_t n);
void json_u64(struct json *j, const char *key, u64 value);
void json_s64(struct json *j, const char *key, s64 value);
void json_num(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_done(struct json *j); /* newline, flush to out */

/* ---- opt.c: one table per command gives parsing, help, man page and completion ----------------
 */

enum opt_type {
	OPT_FLAG,   /* bool: no argument */
	OPT_COUNT,  /* u8: how often it was given */
	OPT_U64,    /* u64; min and max hold when max > 0 */
	OPT_STR,    /* const char * */
	OPT_DUR,    /* u64, nanoseconds */
	OPT_SIZE,   /* u64, bytes */
	OPT_PCT,    /* double, percent; "5" or "5%" */
	OPT_LIST,   /* struct opt_list: may be given again; commas split */
	OPT_CHOICE, /* const char *: one of choices, "a|b|c" */
	OPT_GROUP,  /* no option: a heading in the help, text in help */
};
struct opt {
	char letter;	  /* 0: none */
	const char *name; /* long name without --, or NULL */
	enum opt_type type;
	size_t off;	  /* offsetof in the command's struct of options */
	const char *arg;  /* name of the argument in the help, e.g. "FILE" */
	const char *help; /* "write the picture here": no capital, no full stop */
	const char *choices;
	u64 min, max;
	const char *complete; /* "file", "pid", "command", or NULL */
};
#define OPT_END                                                                                    \
	{                                                                                          \
		0                                                                                  \
	}
struct opt_list {
	const char **v;
	size_t n;
};
/*
 * Parses argv[0..argc) (without the command's name) into dst. Options and inputs may mix; "--" ends
 * options. On return inputs has the operands in order; they and all strings point into argv or the
 * arena, and after "--" rest is what follows it. Returns 0, or -EINVAL after saying every mistake
 * found (at most 20) on stderr, with a `try:` line for near misses. Nothing is checked once -h or
 * --help was seen.
 */
struct opt_result {
	struct opt_list inputs;
	char **rest; /* NULL-terminated: COMMAND ARGS after "--"; NULL when there is no "--" */
	bool help;   /* -h or --help was given */
};
int opt_parse(struct arena *a, const char *command, const struct opt *opts, void *dst, int argc,
	      char **argv, struct opt_result *res);
/* "-F, --freq HZ", as in the help. */
void opt_spelling(struct buf *b, const struct opt *o);
/* The option list of a help screen, wrapped at width columns; -h comes last by itself. */
void opt_help(struct buf *b, const struct opt *opts, int width);
/* Words of text filled into lines of `width`, each after `indent` blanks. Blank lines stay, and so
 * do lines that start with a blank. */
void opt_wrap(struct buf *b, const char *text, int indent, int width);
/* The nearest name to a mistyped one, or NULL; for "did you mean". */
const char *opt_nearest(const char *given, const char *const *names, size_t n);
static inline bool opt_is_end(const struct opt *o)
{
	return !o->letter && !o->name && o->type != OPT_GROUP;
}
static inline bool opt_takes_arg(const struct opt *o)
{
	return o->type != OPT_FLAG && o->type != OPT_COUNT && o->type != OPT_GROUP;
}
/* -h, --help: not in the tables, for those who list options. */
extern const struct opt opt_help_option;

/* ---- loop.c: one epoll loop: file descriptors, timers, signals (children are SIGCHLD) ----------
 */

/*
 * Callbacks get the epoll events, the number of times the timer ran out, or the signal. They may
 * delete any source, their own too, and may stop the loop. Signals stay blocked until loop_free():
 * a child that is to exec must unblock them first.
 */
struct loop;
typedef void (*loop_fn)(void *arg, u32 events_or_sig);
struct loop *loop_new(void); /* NULL: see err_msg() */
int loop_add_fd(struct loop *l, int fd, loop_fn fn, void *arg);
void loop_del_fd(struct loop *l, int fd);
int loop_add_timer(struct loop *l, u64 first_ns, u64 every_ns, loop_fn fn,
		   void *arg); /* id or -errno */
void loop_del_timer(struct loop *l, int id);
int loop_add_signal(struct loop *l, int sig, loop_fn fn,
		    void *arg); /* blocks it, reads a signalfd */
int loop_run(struct loop *l);	/* until loop_stop(); 0 or -errno */
void loop_stop(struct loop *l);
void loop_free(struct loop *l);

u64 clock_mono_ns(void);
u64 clock_wall_ns(void);

#endif
