#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# spoor record on the running kernel, against workloads whose shape is known.
set -u
ok() { echo "ok $1"; }
no() { echo "not ok $1: $2"; }
skip() { echo "skip $1: $2"; }
# check NAME CONDITION WHY: CONDITION is evaluated
check() { if eval "$2"; then ok "$1"; else no "$1" "$3"; fi; }
folded() { "$SPOOR" convert --as folded "$1" 2>/dev/null; }
CC=${CC:-cc}

if [ "$(id -u)" != 0 ]; then
	skip record "needs root"
	exit 0
fi

# ---- 70/20/10 under main, as C, C++ and with Rust's mangling ------------------------------------
cat >work.c <<'END'
#include <stdlib.h>
#define NOINLINE __attribute__((noinline))
#ifndef SYM
#define SYM(name)
#endif
/* A chain of multiplications takes the same time wherever the loop lies; memory would not. */
static inline void turn(unsigned long n)
{
	unsigned long x = n;

	for (unsigned long i = 0; i < n; i++)
		x = x * 6364136223846793005ul + 1;
#ifndef FRAMELESS /* with nothing on the stack gcc makes no frame for a leaf, whatever it is told */
	volatile unsigned long kept = x;
	(void)kept;
#endif
	__asm__ volatile("" : : "r"(x)); /* no tail call into here */
}
NOINLINE void hot(unsigned long n) SYM(hot);
NOINLINE void warm(unsigned long n) SYM(warm);
NOINLINE void cool(unsigned long n) SYM(cool);
NOINLINE void parent(unsigned long n) SYM(parent);
void hot(unsigned long n) { turn(n * 7); }
void warm(unsigned long n) { turn(n * 2); }
void cool(unsigned long n) { turn(n); }
void parent(unsigned long n)
{
	hot(n);
	warm(n);
	cool(n);
	__asm__ volatile("");
}
int main(int argc, char **argv)
{
	/* Rounds much shorter than the time between samples: nothing runs in step with the clock. */
	for (long i = 100l * atoi(argv[1]); i > 0; i--)
		parent(1000);
	return argc > 2 ? atoi(argv[2]) : 0;
}
END
cat >rust_names.h <<'END'
#define SYM(name) __asm__("_ZN4load" SYM_##name "17h0123456789abcdefE")
#define SYM_hot "3hot"
#define SYM_warm "4warm"
#define SYM_cool "4cool"
#define SYM_parent "6parent"
END
FLAGS="-O1 -g0 -fno-omit-frame-pointer -fno-optimize-sibling-calls"
$CC $FLAGS -o work_c work.c 2>cc.log || no build "$(head -1 cc.log)"
$CC $FLAGS -DFRAMELESS -o work_leaf work.c 2>cc.log || no build_leaf "$(head -1 cc.log)"
$CC $FLAGS -include rust_names.h -o work_rust work.c 2>cc.log || no build_rust "$(head -1 cc.log)"
{ echo 'namespace load {'; sed '/^#include/d; /^int main/,$d' work.c; echo '}'
	sed -n '/^int main/,$p' work.c | sed 's/parent(/load::parent(/'; } >body.cc
{ echo '#include <stdlib.h>'; cat body.cc; } >work.cc
${CXX:-c++} $FLAGS -o work_cpp work.cc 2>cc.log || no build_cpp "$(head -1 cc.log)"

# shares FILE NAME PARENT HOT WARM COOL: exact chains below main, and their shares within 3 points
shares() {
	folded "$1" | awk -v parent="$3" -v hot="$4" -v warm="$5" -v cool="$6" '
		{ n = $NF; sub(/ [0-9]+$/, ""); i = index($0, ";main;")
		  if (!i) next
		  chain = substr($0, i + 1); user = chain
		  # what interrupted the function does not change where it was
		  if (match(user, /;(asm_|entry_|irq|sysvec|do_sys|ret_from|error_)[^;]*/))
			user = substr(user, 1, RSTART - 1)
		  total += n; at[user] += n }
		END {
			h = 100 * at["main;" parent ";" hot] / total
			w = 100 * at["main;" parent ";" warm] / total
			c = 100 * at["main;" parent ";" cool] / total
			printf "%.1f %.1f %.1f of %d\n", h, w, c, total
			exit !(total > 100 && h > 67 && h < 73 && w > 17 && w < 23 && c > 7 && c < 13) }'
}
one_language() {
	"$SPOOR" record -q -F 997 -o "$1.spoor" -- "./work_$1" 6000 7
	rc=$?
	check "exit_status_$1" "[ $rc -eq 7 ]" "the command returned 7, record $rc"
	got=$(shares "$1.spoor" "$@")
	rc=$?
	check "shares_$1" "[ $rc -eq 0 ]" "70/20/10 came out as $got"
}
one_language c parent hot warm cool
case $(uname -m) in
x86_64) one_language leaf parent hot warm cool ;;
*) skip shares_leaf "callers of functions without a frame are found on x86-64 only" ;;
esac
one_language cpp "load::parent(unsigned long)" "load::hot(unsigned long)" \
	"load::warm(unsigned long)" "load::cool(unsigned long)"
one_language rust load::parent load::hot load::warm load::cool

# ---- short-lived processes keep their names ------------------------------------------------------
cat >short.c <<'END'
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* 200 processes a second for 3 seconds, each gone after about 2 ms */
int main(int argc, char **argv)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	for (int i = 0; i < 600; i++) {
		pid_t pid = fork();

		if (!pid) {
			execv(argv[1], argv + 1);
			_exit(127);
		}
		waitpid(pid, 0, 0);
		t.tv_nsec += 5000000;
		if (t.tv_nsec >= 1000000000)
			t.tv_nsec -= 1000000000, t.tv_sec++;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0);
	}
	return 0;
}
END
$CC -O1 -fno-omit-frame-pointer -o short short.c 2>cc.log || no build_short "$(head -1 cc.log)"
cp work_c tinywork
"$SPOOR" record -q -a -F 499 -o short.spoor -- ./short ./tinywork 4
folded short.spoor >short.folded
got=$(awk '/^tinywork/ { n += $NF
		if (/(\+0x[0-9a-f]+\]|\[unknown\]|\[anon\]|\[no user stack\]|\[lost stack\]) [0-9]+$/) u += $NF }
		END { printf "%.1f %% of %d samples", n ? 100 * (n - u) / n : 0, n; exit !(n > 50 && u < n / 20) }' \
	short.folded)
rc=$?
check short_processes "[ $rc -eq 0 ]" "named: $got, wanted more than 95 %"
echo "# short processes: $got have function names"

# ---- a recorder that is killed ---------------------------------------------------------------------
attached() { bpftool prog list 2>/dev/null | grep -c 'name spoor_tick'; }
if command -v bpftool >/dev/null || [ -x /usr/sbin/bpftool ]; then
	PATH=$PATH:/usr/sbin
	before=$(attached)
	"$SPOOR" record -q -a -F 199 -o killed.spoor &
	pid=$!
	sleep 5
	during=$(attached)
	kill -9 $pid
	wait $pid 2>/dev/null
	sleep 1
	after=$(attached)
	check kill_leaves_nothing "[ $after -le $before ] && [ $during -gt $after ]" \
		"programs before, while and after: $before $during $after"
	"$SPOOR" info killed.spoor >info.txt 2>&1
	check kill_readable "grep -q 'samples .*[1-9]' info.txt" "$(head -3 info.txt | tr '\n' ' ')"
	check kill_is_said "grep -qi 'cut off' info.txt" "info does not say that the file was cut off"
else
	skip kill_leaves_nothing "no bpftool"
fi

# ---- outputs that do not work ------------------------------------------------------------------------
mkdir full
if mount -t tmpfs -o size=160k tmpfs full 2>/dev/null; then
	./work_c 10000000 &
	target=$!
	"$SPOOR" record -q -p $target -F 4999 -d 60 -o full/a.spoor 2>err.txt # some 30 KB a chunk
	rc=$?
	kill $target
	wait $target 2>/dev/null
	check disk_full_status "[ $rc -eq 2 ]" "exit status $rc"
	check disk_full_message "grep -q 'No space left' err.txt" "$(cat err.txt)"
	"$SPOOR" info full/a.spoor >info.txt 2>&1
	check disk_full_readable "grep -q 'samples .*[1-9]' info.txt" "$(head -3 info.txt | tr '\n' ' ')"
	umount full
else
	skip disk_full "cannot mount a tmpfs"
fi
: >marker
"$SPOOR" record -o /nonexistent/a.spoor -- touch marker2 2>err.txt
rc=$?
check unwritable "[ $rc -eq 2 ] && grep -q /nonexistent/a.spoor err.txt" "status $rc: $(cat err.txt)"
check unwritable_before_start "[ ! -e marker2 ]" "the command was run all the same"

# ---- targets -------------------------------------------------------------------------------------------
"$SPOOR" record -p 4194303 -d 1 -o p.spoor 2>err.txt
rc=$?
check no_such_pid "[ $rc -eq 2 ] && grep -q 'no process 4194303' err.txt && [ ! -e p.spoor ]" \
	"status $rc: $(cat err.txt)"
./work_c 3000 &
target=$!
"$SPOOR" record -p $target -F 199 -d 60 -o gone.spoor 2>err.txt
rc=$?
wait $target
check pid_gone "[ $rc -eq 0 ] && grep -q 'every target has ended' err.txt" "status $rc: $(cat err.txt)"
"$SPOOR" info gone.spoor >info.txt 2>&1
check only_the_target "grep -q '1 process' info.txt" "$(grep seen info.txt)"
"$SPOOR" record -o x.spoor -- ./no_such_command 2>err.txt
rc=$?
check no_such_command "[ $rc -eq 127 ] && [ ! -e x.spoor ]" "status $rc: $(cat err.txt)"
"$SPOOR" record -q -o x.spoor -- sh -c 'kill -TERM $$'
rc=$?
check command_killed "[ $rc -eq 143 ]" "status $rc"
"$SPOOR" record -a -p 1 -d 1 -o x.spoor 2>err.txt
rc=$?
check conflict "[ $rc -eq 1 ] && grep -q '^try:' err.txt" "status $rc: $(cat err.txt)"

# ---- stopped early ---------------------------------------------------------------------------------------
./work_c 10000000 &
target=$!
"$SPOOR" record -q -p $target -d 60 -o early.spoor &
pid=$!
sleep 2
kill -INT $pid
wait $pid
rc=$?
kill $target 2>/dev/null
wait $target 2>/dev/null
"$SPOOR" info early.spoor >info.txt 2>&1
check interrupt "[ $rc -eq 0 ] && grep -q 'samples .*[1-9]' info.txt" "status $rc: $(head -3 info.txt)"

# ---- children of children, found by the kernel side -----------------------------------------------------------
"$SPOOR" record -q -F 299 -o tree.spoor -- sh -c './work_c 300; (./work_c 300 & wait); ./work_c 300'
"$SPOOR" info tree.spoor >info.txt 2>&1
check follow "grep -Eq '[3-9] processes' info.txt" "$(grep seen info.txt)"

# ---- what is in the file and what is said to be lost are all there is --------------------------------------------
"$SPOOR" record -a -F 20000 -d 6 --budget 0 -o loss.spoor 2>err.txt -- ./work_c 20000 &
pid=$!
sleep 1
kill -STOP $pid
sleep 3
kill -CONT $pid
wait $pid
said=$(sed -n 's/.*spoor: \([0-9,]*\) samples.*/\1/p' err.txt | tr -d ,)
lost=$(sed -n 's/.* processe*s*, \([0-9,]*\) lost.*/\1/p' err.txt | tr -d ,)
"$SPOOR" info loss.spoor >info.txt 2>&1
in_file=$(sed -n 's/^samples *\([0-9,]*\) .*/\1/p' info.txt | tr -d ,)
lost_in_file=$(sed -n 's/^lost *\([0-9,]*\).*/\1/p' info.txt | tr -d ,)
check conservation "[ -n '$said' ] && [ '$said' = '$in_file' ] && [ '$lost' = '$lost_in_file' ]" \
	"said $said samples and $lost lost, file has $in_file and $lost_in_file"
check loss_is_counted "[ '${lost:-0}' -gt 0 ]" "the recorder slept for 3 s and lost nothing"

# ---- without privileges --------------------------------------------------------------------------------------------
if command -v setpriv >/dev/null; then
	cp "$SPOOR" ./spoor_copy && chmod 755 . spoor_copy
	(cd / && setpriv --reuid 65534 --regid 65534 --clear-groups "$OLDPWD/spoor_copy" record -d 1 \
		-o /tmp/unprivileged.$$.spoor) 2>err.txt
	rc=$?
	rm -f /tmp/unprivileged.$$.spoor
	check not_root "[ $rc -eq 2 ] && grep -q 'CAP_BPF' err.txt && grep -q '^try:' err.txt" \
		"status $rc: $(cat err.txt)"
else
	skip not_root "no setpriv"
fi
