// SPDX-License-Identifier: Apache-2.0
/* Records as the kernel writes them, and as it never would. */
#include "test.h"

#include <linux/btf.h>
#include <time.h>
#include <unistd.h>

#include "bpf/bpf_int.h"
#include "run/record_int.h"

/* A perf record with its sample_id: pid 7, tid 8, time 1234, cpu 3. */
static void perf_record(struct buf *b, u32 type, u16 misc, const struct buf *body)
{
	struct perf_event_header h = {.type = type, .misc = misc};
	u32 id[] = {7, 8, 1234, 0, 3, 0};

	buf_reset(b);
	h.size = (u16)(sizeof(h) + body->n + sizeof(id));
	buf_add(b, &h, sizeof(h));
	buf_add(b, body->p, body->n);
	buf_add(b, id, sizeof(id));
}

static void add32(struct buf *b, u32 v)
{
	buf_add(b, &v, sizeof(v));
}

static void add64(struct buf *b, u64 v)
{
	buf_add(b, &v, sizeof(v));
}

static void mmap2_body(struct buf *b, bool build_id)
{
	u8 id[24] = {20, 0, 0, 0, 0xab, 0xcd};

	buf_reset(b);
	add32(b, 42);
	add32(b, 43);
	add64(b, 0x400000);
	add64(b, 0x1000);
	add64(b, 0x2000);
	if (build_id) {
		buf_add(b, id, sizeof(id));
	} else {
		add32(b, 8);
		add32(b, 1);
		add64(b, 99);
		add64(b, 5);
	}
	add64(b, 5);
	buf_add(b, "/bin/true\0\0\0\0\0\0", 16);
}

static void test_mmap2(void **state)
{
	struct buf body = {0}, rec = {0};
	struct taskev e;

	mmap2_body(&body, false);
	perf_record(&rec, PERF_RECORD_MMAP2, 0, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), 0);
	assert_int_equal(e.type, TASKEV_MMAP);
	assert_int_equal(e.time_ns, 1234);
	assert_int_equal(e.cpu, 3);
	assert_int_equal(e.pid, 42);
	assert_int_equal(e.start, 0x400000);
	assert_int_equal(e.end, 0x401000);
	assert_int_equal(e.pgoff, 0x2000);
	assert_int_equal(e.maj, 8);
	assert_int_equal(e.ino, 99);
	assert_int_equal(e.ino_gen, 5);
	assert_int_equal(e.build_id_len, 0);
	assert_string_equal(e.path, "/bin/true");
	mmap2_body(&body, true);
	perf_record(&rec, PERF_RECORD_MMAP2, 1 << 14, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), 0);
	assert_int_equal(e.build_id_len, 20);
	assert_int_equal(e.build_id[1], 0xcd);
	assert_int_equal(e.ino, 0);
	assert_string_equal(e.path, "/bin/true");
	buf_done(&body);
	buf_done(&rec);
}

static void test_task_records(void **state)
{
	struct buf body = {0}, rec = {0};
	struct taskev e;

	for (u32 i = 5; i < 9; i++)
		add32(&body, i);
	add64(&body, 1);
	perf_record(&rec, PERF_RECORD_FORK, 0, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), 0);
	assert_int_equal(e.type, TASKEV_FORK);
	assert_int_equal(e.pid, 5);
	assert_int_equal(e.ppid, 6);
	assert_int_equal(e.tid, 7);
	perf_record(&rec, PERF_RECORD_EXIT, 0, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), 0);
	assert_int_equal(e.type, TASKEV_EXIT);
	buf_reset(&body);
	add32(&body, 5);
	add32(&body, 6);
	buf_add(&body, "sleep\0\0", 8);
	perf_record(&rec, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), 0);
	assert_int_equal(e.type, TASKEV_EXEC);
	assert_string_equal(e.path, "sleep");
	perf_record(&rec, PERF_RECORD_COMM, 0, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), 0);
	assert_int_equal(e.type, TASKEV_COMM);
	buf_reset(&body);
	add64(&body, 1);
	add64(&body, 17);
	perf_record(&rec, PERF_RECORD_LOST, 0, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), 0);
	assert_int_equal(e.lost, 17);
	perf_record(&rec, 999, 0, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), 1);
	buf_done(&body);
	buf_done(&rec);
}

/* Every cut, and a string without an end. */
static void test_bad_records(void **state)
{
	struct buf body = {0}, rec = {0};
	struct taskev e;
	size_t n;

	mmap2_body(&body, true);
	memset(body.p + body.n - 16, 'x', 16);
	perf_record(&rec, PERF_RECORD_MMAP2, 1 << 14, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), -EBADMSG);
	mmap2_body(&body, true);
	body.p[32] = 21; /* a build-id longer than there is room for */
	perf_record(&rec, PERF_RECORD_MMAP2, 1 << 14, &body);
	assert_int_equal(taskev_decode(rec.p, rec.n, &e), -EBADMSG);
	for (n = 0; n < rec.n; n++) {
		char *cut = xmalloc(n ? n : 1); /* so that a sanitizer sees the end */

		memcpy(cut, rec.p, n);
		assert_true(taskev_decode(cut, n, &e) != 0);
		free(cut);
	}
	buf_done(&body);
	buf_done(&rec);
}

static void test_sample(void **state)
{
	struct sampler_rec r = {.time_ns = 1, .hash = 2, .pid = 3, .nk = 2, .nu = 3, .is_new = 1};
	struct sampler_event e;
	size_t full = SAMPLER_REC_HEAD + 5 * 8;

	memset(r.comm, 'c', sizeof(r.comm));
	assert_int_equal(sampler_decode(&r, full, &e), 0);
	assert_int_equal(e.nk, 2);
	assert_int_equal(e.nu, 3);
	assert_int_equal(strlen(e.comm), 15);
	assert_int_equal(sampler_decode(&r, full - 1, &e), -EBADMSG);
	assert_int_equal(sampler_decode(&r, SAMPLER_REC_HEAD - 1, &e), -EBADMSG);
	assert_int_equal(e.leaf_ret, 0);
	/* the last two user addresses are the guess at a leaf's caller */
	r.flags = SAMPLER_REC_LEAF;
	r.ips[3] = 77;
	r.ips[4] = 88;
	assert_int_equal(sampler_decode(&r, full, &e), 0);
	assert_int_equal(e.nu, 1);
	assert_int_equal(e.leaf_ret, 77);
	assert_int_equal(e.leaf_entry, 88);
	assert_int_equal(e.flags, 0);
	r.nu = 1;
	assert_int_equal(sampler_decode(&r, full, &e), -EBADMSG);
	r.is_new = 0;
	assert_int_equal(sampler_decode(&r, SAMPLER_REC_HEAD, &e), 0);
	assert_null(e.ips);
	assert_false(e.new_stack);
}

/* The kernel's own, where there is one, and every kind of damage to it that is quick to make. */
static void test_btf(void **state)
{
	struct sampler_offs o;
	struct btf_header h = {.magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(h)};

	assert_int_equal(btf_offs_parse("", 0, &o), -EBADMSG);
	assert_int_equal(btf_offs_parse(&h, sizeof(h), &o), -EBADMSG);
	h.type_off = UINT32_MAX;
	h.type_len = UINT32_MAX;
	assert_int_equal(btf_offs_parse(&h, sizeof(h), &o), -EBADMSG);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip();
	assert_int_equal(btf_offs_read(&o), 0);
	assert_int_equal(o.task_tgid, o.task_pid + 4); /* side by side in every kernel so far */
	assert_true(o.upid_size >= 16 && o.upid_size < 64);
	assert_true(o.pid_numbers > o.pid_level);
}

static void test_budget(void **state)
{
	struct budget b = {.limit_pct = 30};
	u64 s = NSEC_PER_SEC, cost = 0, t = 100 * s;

	assert_int_equal(budget_check(&b, t, cost, 2), BUDGET_FINE);
	assert_int_equal(budget_check(&b, t += s, cost += s / 50, 2), BUDGET_FINE); /* 1 % */
	assert_int_equal(budget_check(&b, t += s, cost += s / 5, 2), BUDGET_WARN);  /* 10 % */
	assert_int_equal(budget_check(&b, t += s, cost += s / 5, 2), BUDGET_FINE);  /* said once */
	assert_int_equal(budget_check(&b, t += s, cost += s, 2), BUDGET_FINE); /* one bad one */
	assert_int_equal(budget_check(&b, t += s, cost += s, 2), BUDGET_SLOWER);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(budget_check(&b, t += s, cost += s, 2), BUDGET_FINE);
		assert_int_equal(budget_check(&b, t += s, cost += s, 2), BUDGET_SLOWER);
	}
	assert_int_equal(budget_check(&b, t += s, cost += s, 2), BUDGET_FINE);
	assert_int_equal(budget_check(&b, t += s, cost += s, 2), BUDGET_STOP);
	b = (struct budget){.limit_pct = 0, .warned = true};
	budget_check(&b, t, cost, 2);
	for (int i = 0; i < 20; i++)
		assert_int_equal(budget_check(&b, t += s, cost += 2 * s, 2), BUDGET_FINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mmap2),	    cmocka_unit_test(test_task_records),
		cmocka_unit_test(test_bad_records), cmocka_unit_test(test_sample),
		cmocka_unit_test(test_btf),	    cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
