#!/bin/sh
# Runs in the guest, under busybox: the static binary against what is known of this kernel and of a small
# program. $1 is the kernel's series.
series=$1
ok() { echo "ok $1-$series"; }
no() { echo "not ok $1-$series: $2"; }
check() { if eval "$2"; then ok "$1"; else no "$1" "$3"; fi; }

# ---- record, report, flame (wide bounds and no budget: emulated time is uneven, and work dear) -------------------------------------------------------------------------
./spoor record -q --budget 0 -F 499 -o shares.spoor -- ./guest_shares 600 7 2>record.err
rc=$?
check status "[ $rc -eq 7 ]" "the command returned 7, record $rc: $(head -n 2 record.err)"
./spoor convert --as folded -o shares.folded shares.spoor 2>convert.err
got=$(awk '{ n = $NF; sub(/ [0-9.]+$/, ""); if (!match($0, /;main;(hot|warm|cool)/)) next
	name = substr($0, RSTART + 6); sub(/;.*/, "", name); at[name] += n; total += n }
	END { if (!total) { print "nothing"; exit 1 }
		h = 100 * at["hot"] / total; w = 100 * at["warm"] / total; c = 100 * at["cool"] / total
		printf "%.1f %.1f %.1f of %d\n", h, w, c, total
		exit !(total > 50 && h > 60 && h < 80 && w > 12 && w < 28 && c > 4 && c < 16) }' shares.folded)
rc=$?
check shares "[ $rc -eq 0 ]" "70/20/10 came out as $got; $(head -n 2 convert.err)"
./spoor flame -q -o shares.svg shares.spoor 2>flame.err
check flame "grep -q '>hot<' shares.svg" "no hot in the picture: $(head -n 2 flame.err)"
./spoor record -q --budget 0 -a -d 1 -o all.spoor 2>record.err
rc=$?
check whole_machine "[ $rc -eq 0 ]" "status $rc: $(head -n 2 record.err)"
./spoor info -j all.spoor >all.json 2>/dev/null
check nothing_lost "grep -q '\"lost_events\": 0,' all.json" "$(grep lost_events all.json)"

# ---- doctor tells what is true of this kernel ------------------------------------------------------
./spoor doctor -j >doctor.json 2>doctor.err
says() { sed -n "/\"id\": \"$1\"/,/}/s/.*\"status\": \"\([a-z-]*\)\".*/\1/p" doctor.json; }
expect() {
	for id in $2; do
		got=$(says "$id")
		check "doctor_$id" "[ \"$got\" = $1 ]" "says '$got', is $1"
	done
}
case $series in
5.10)
	expect ok "tracepoint raw_tp tp_btf kprobe kretprobe fentry fexit uprobe uretprobe clock ringbuf iter"
	expect no "kprobe.multi kprobe.session uprobe.multi uprobe.session bpf_loop cycles"
	;;
6.1)
	expect ok "tracepoint raw_tp tp_btf kprobe kretprobe fentry fexit uprobe uretprobe clock ringbuf iter bpf_loop"
	expect no "kprobe.multi kprobe.session uprobe.multi uprobe.session cycles"
	;;
6.12)
	expect ok "tracepoint raw_tp tp_btf kprobe kretprobe fentry fexit kprobe.multi kprobe.session uprobe uretprobe uprobe.multi clock ringbuf iter bpf_loop"
	expect no "uprobe.session cycles"
	;;
7.2)
	expect ok "tracepoint raw_tp tp_btf kprobe kretprobe fentry fexit kprobe.multi kprobe.session uprobe uretprobe uprobe.multi uprobe.session clock ringbuf iter bpf_loop"
	expect no "cycles"
	;;
esac
exit 0
