#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each line of spoor doctor against the machine itself, or against another program's attempt.
set -u
ok() { echo "ok doctor-$1"; }
no() { echo "not ok doctor-$1: $2"; }
skip() { echo "skip doctor-$1: $2"; }
have() { command -v "$1" >/dev/null 2>&1; }

"$SPOOR" doctor -j >d.json
rc=$?
# field ID NAME: a member of the check with this id
field() {
	sed -n "/\"id\": \"$1\"/,/^    }/s/^ *\"$2\": \"\\(.*\\)\",\$/\\1/p" d.json
}
# same NAME ID WANTED: the status of the line is WANTED
same() {
	got=$(field "$2" status)
	if [ "$got" = "$3" ]; then ok "$1"; else no "$1" "doctor says '$got', the truth is '$3'"; fi
}
truth() { if "$@" >/dev/null 2>&1; then echo ok; else echo no; fi; }

# ---- the form of the answer ---------------------------------------------------------------------
if have python3; then
	if python3 -c 'import json; d = json.load(open("d.json")); assert len(d["checks"]) > 40
for c in d["checks"]:
	assert c["status"] in ("ok", "no", "--"), c
	assert c["what"] and c["id"] and c["group"], c
	assert c["status"] != "no" or c["why"], c' 2>why; then
		ok json
	else
		no json "$(tail -n 1 why)"
	fi
else
	skip json "no python3"
fi
"$SPOOR" doctor >d.txt
if [ "$(grep -cE '^  (ok|no|--)  ' d.txt)" = "$(grep -c '"id"' d.json)" ]; then
	ok table
else
	no table "the table has other lines than the JSON"
fi

# ---- machine, rights, settings ------------------------------------------------------------------
case $(field kernel why) in
*"$(uname -r)"*"$(uname -m)"*) ok kernel ;;
*) no kernel "$(field kernel why)" ;;
esac
same btf btf "$(truth test -e /sys/kernel/btf/vmlinux)"
same tracefs tracefs "$(truth test -d /sys/kernel/tracing/events -o -d /sys/kernel/debug/tracing/events)"
same cgroup cgroup "$(truth grep -q ' cgroup2 ' /proc/mounts)"
caps=$(sed -n 's/^CapEff:[[:space:]]*/0x/p' /proc/self/status)
for c in 39:cap_bpf 38:cap_perfmon 21:cap_sys_admin 19:cap_sys_ptrace 34:cap_syslog; do
	bit=${c%%:*} id=${c#*:}
	held=$(((caps >> bit) & 1))
	[ $bit -ge 38 ] && held=$((held | ((caps >> 21) & 1)))
	same "$id" "$id" "$([ $held = 1 ] && echo ok || echo no)"
done
for s in perf_event_paranoid kptr_restrict perf_event_max_stack perf_event_max_sample_rate \
	perf_event_mlock_kb unprivileged_bpf_disabled bpf_stats_enabled; do
	v=$(cat /proc/sys/kernel/$s 2>/dev/null) || { skip "$s" "this kernel has none"; continue; }
	case $(field "kernel\\.$s" why) in
	"$v" | "$v"[!0-9]*) ok "$s" ;;
	*) no "$s" "it is $v, doctor says: $(field "kernel\\.$s" why)" ;;
	esac
done

# ---- names and stacks ---------------------------------------------------------------------------
readable=$(awk '$1 !~ /^0+$/ { print "ok"; exit }' /proc/kallsyms)
same ksyms ksyms "${readable:-no}"
libc=$(ldd "$(command -v sh)" | sed -n 's/.*libc\.so\.6 => \([^ ]*\) .*/\1/p')
if have objdump && [ "$(uname -m)" = x86_64 ] && [ -n "$libc" ]; then
	# What a disassembler sees at the start of each dynamic function of at least 48 bytes.
	objdump -T "$libc" | awk '/ DF \.text/ { s = 0; n = split($0, p, /[ \t]+/)
		for (i = 1; i <= n; i++) if (p[i] == ".text") print p[1], p[i + 1] }' |
		sort -u >functions
	objdump -d --no-show-raw-insn -j .text "$libc" | awk '
		FNR == NR { if (strtonum_("0x" $2) >= 48) want[substr($1, 5)] = 1; next }
		function strtonum_(h,  i, v) { v = 0; h = tolower(substr(h, 3))
			for (i = 1; i <= length(h); i++) v = v * 16 + index("0123456789abcdef", substr(h, i, 1)) - 1
			return v }
		{ a = $1; sub(/:$/, "", a); while (length(a) < 12) a = "0" a
		  if (a in want) { seen++; line = 0; at = FNR; push = 0 }
		  if (at && FNR - at < 3) { if ($2 == "endbr64") at++
			else if ($2 == "push" && $3 == "%rbp" && FNR == at) push = FNR
			else if ($2 == "mov" && $3 == "%rsp,%rbp" && push && FNR == push + 1) with++ } }
		END { print seen + 0, with + 0 }' functions - >counted
	read -r seen with <counted
	if [ "$seen" -gt 100 ]; then
		same libc-fp libc-fp "$([ $((with * 100 / seen)) -ge 30 ] && echo ok || echo no)"
	else
		skip libc-fp "objdump showed only $seen functions"
	fi
else
	skip libc-fp "needs objdump and x86_64"
fi

# ---- recording: by doing it ----------------------------------------------------------------------
"$SPOOR" record -a -d 300ms -o r.spoor >/dev/null 2>&1
recorded=$?
if [ $rc -eq 0 ] && [ $recorded -eq 0 ]; then
	ok records
elif [ $rc -eq 4 ] && [ $recorded -ne 0 ]; then
	ok records
else
	no records "doctor exits with $rc, record with $recorded"
fi
if have perf; then
	perf stat -x, -e cycles:u true 2>perf.out
	same cycles cycles "$(grep -q 'not supported\|No permission\|not permitted' perf.out && echo no || echo ok)"
else
	skip cycles "no perf to compare with"
fi

# ---- kinds of probes: by attaching with libbpf's own ways, from C compiled to BPF ------------------
fn=__x64_sys_getpgid
[ "$(uname -m)" = aarch64 ] && fn=__arm64_sys_getpgid
cat >attach.c <<'END'
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) int probed(int x) { __asm__ volatile("" ::: "memory"); return x + 1; }
static int quiet(enum libbpf_print_level l, const char *f, va_list a) { return l ? 0 : vfprintf(stderr, f, a); }
int main(int argc, char **argv)
{
	struct bpf_object *o;
	struct bpf_program *p;
	unsigned zero = 0;
	unsigned long long hits = 0;

	libbpf_set_print(quiet);
	o = bpf_object__open(argv[1]);
	if (!o || bpf_object__load(o))
		return 1;
	bpf_object__for_each_program(p, o)
		if (!bpf_program__attach(p))
			return 1;
	for (int i = 0; i < 100; i++) {
		getpgid(0);
		probed(i);
		usleep(100);
	}
	bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(o, "hits"), &zero, &hits);
	printf("%llu hits\n", hits);
	return !hits;
}
END
cat >in_private.sh <<'END'
# In a chroot / is no mount point; /sys, where the mount is to go, is one.
mount --make-rprivate / 2>/dev/null || mount --make-rprivate /sys || exit 1
[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing
./attach "$1"
END
# attach ID SECTION: ok when libbpf could attach there and the program ran, ? when it cannot be tried
attach() {
	cat >"$1.bpf.c" <<END
#define SEC(n) __attribute__((section(n), used))
struct { int (*type)[2]; unsigned *key; unsigned long long *value; int (*max_entries)[1]; } hits SEC(".maps");
static void *(*lookup)(void *, const void *) = (void *)1;
char _license[] SEC("license") = "GPL";
SEC("$2") int probe(void *ctx)
{
	unsigned zero = 0;
	unsigned long long *v = lookup(&hits, &zero);
	if (v)
		__sync_fetch_and_add(v, 1);
	return 0;
}
END
	clang -target bpf -O2 -g -c "$1.bpf.c" -o "$1.o" 2>>clang.log || { echo '?'; return; }
	# A mount namespace of its own: tracefs, where it is not mounted, does not stay.
	unshare -m --propagation unchanged sh in_private.sh "$1.o" >"$1.log" 2>&1 && echo ok || echo no
}
if [ "$(id -u)" = 0 ] && have clang && have unshare &&
	${CC:-cc} -O1 -g -o attach attach.c -lbpf -lelf -lz 2>cc.log; then
	for k in raw_tp:raw_tp/sched_switch tracepoint:tracepoint/sched/sched_switch \
		tp_btf:tp_btf/sched_switch kprobe:kprobe/$fn kretprobe:kretprobe/$fn \
		kprobe.multi:kprobe.multi/$fn fentry:fentry/$fn fexit:fexit/$fn \
		uprobe:uprobe/./attach:probed uretprobe:uretprobe/./attach:probed; do
		id=${k%%:*}
		t=$(attach "$id" "${k#*:}")
		if [ "$t" = '?' ]; then
			skip "$id" "clang cannot compile for it"
		else
			same "$id" "$(echo "$id" | sed 's/\./\\./')" "$t"
		fi
	done
else
	skip attach "needs root, unshare, clang and libbpf"
fi

# Every kind that is said to work was attached in front of the kernel's eyes, and nothing stayed.
if [ "$(id -u)" = 0 ] && have strace; then
	strace -f -o trace -e trace=bpf,perf_event_open,ioctl "$SPOOR" doctor -j >d2.json
	accepted=$(grep -cE 'PERF_EVENT_IOC_SET_BPF,.*= 0$|BPF_LINK_CREATE,.*= [0-9]+$|BPF_RAW_TRACEPOINT_OPEN,.*= [0-9]+$|bpf\(0x1c.*= [0-9]+$' trace)
	said=0
	for id in clock user-stack kernel-stack ringbuf tracepoint raw_tp tp_btf kprobe kretprobe \
		'kprobe\.multi' 'kprobe\.session' fentry fexit uprobe uretprobe 'uprobe\.multi' \
		'uprobe\.session' usdt iter bpf_loop; do
		[ "$(field "$id" status)" = ok ] && said=$((said + 1))
	done
	if [ "$said" -eq "$accepted" ]; then
		ok attached
	else
		no attached "$said kinds are said to work, the kernel accepted $accepted"
	fi
else
	skip attached "needs root and strace"
fi
if [ "$(id -u)" = 0 ] && PATH=$PATH:/usr/sbin have bpftool; then
	if bpftool prog list 2>/dev/null | grep -q spoor_doctor; then
		no nothing-stays "a program is still loaded"
	else
		ok nothing-stays
	fi
else
	skip nothing-stays "needs root and bpftool"
fi

# ---- without any right: an answer to everything, no crash -----------------------------------------
if [ "$(id -u)" = 0 ] && have setpriv; then
	dir=$(mktemp -d)
	cp "$SPOOR" "$dir/spoor" && chmod 755 "$dir" "$dir/spoor"
	(cd "$dir" && setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all \
		env HOME=/nonexistent ./spoor doctor -j) >u.json 2>u.err
	urc=$?
	if [ $urc -ne 4 ]; then
		no unprivileged "exit status $urc instead of 4"
	elif [ "$(grep -c '"id"' u.json)" != "$(grep -c '"id"' d.json)" ]; then
		no unprivileged "some lines are missing"
	elif [ -s u.err ]; then
		no unprivileged "$(head -n 1 u.err)"
	elif grep -A 4 '"id": "kprobe"' u.json | grep -q 'CAP_PERFMON'; then
		ok unprivileged
	else
		no unprivileged "the missing capability is not named"
	fi
	rm -rf "$dir"
else
	skip unprivileged "needs root and setpriv"
fi
