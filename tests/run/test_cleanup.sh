#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# spoor cleanup, on what can really be left behind.
set -u
ok() { echo "ok cleanup-$1"; }
no() { echo "not ok cleanup-$1: $2"; }
skip() { echo "skip cleanup-$1: $2"; }
dead=4194300 # near the highest number a process can have
while [ -d /proc/$dead ]; do dead=$((dead - 1)); done

# ---- files: a dead writer's, a living one's, a young one ------------------------------------------
touch -d '1 hour ago' ".a.svg.spoor-$dead.tmp" ".b.svg.spoor-$$.tmp" keep.svg
touch ".c.svg.spoor-$dead.tmp"
"$SPOOR" cleanup --dry-run >dry 2>err
if [ -e ".a.svg.spoor-$dead.tmp" ] && grep -q "found.*a.svg.spoor-$dead.tmp" dry; then
	ok dry-run
else
	no dry-run "$(cat dry)"
fi
"$SPOOR" cleanup >out 2>err
rc=$?
if [ $rc -eq 0 ] && [ ! -e ".a.svg.spoor-$dead.tmp" ] && [ -e ".b.svg.spoor-$$.tmp" ] &&
	[ -e ".c.svg.spoor-$dead.tmp" ] && [ -e keep.svg ]; then
	ok files
else
	no files "status $rc: $(cat out)"
fi
rm -f .[abc].svg*
"$SPOOR" cleanup >out 2>err
rc=$?
if [ $rc -eq 0 ]; then ok nothing; else no nothing "status $rc: $(cat out)"; fi

# ---- the kernel ------------------------------------------------------------------------------------
if [ "$(id -u)" != 0 ] || ! command -v unshare >/dev/null; then
	skip kernel "needs root and unshare"
	exit 0
fi
# Instances and probes are the machine's, not the mount namespace's: what is made here is removed here.
cat >private.sh <<'END'
# In a chroot / is no mount point; /sys, where the mounts are to go, is one.
mount --make-rprivate / 2>/dev/null || mount --make-rprivate /sys || exit 9
t=/sys/kernel/tracing
[ -d $t/events ] || mount -t tracefs tracefs $t || exit 9
mkdir -p /sys/fs/bpf && mount -t bpf bpf /sys/fs/bpf || exit 9
mkdir $t/instances/spoor-$1 $t/instances/spoor-$$ || exit 9
echo "p:spoor_$1/left $SPOOR:0x1000" >>$t/uprobe_events || exit 9
echo 1 >$t/events/spoor_$1/left/enable
mkdir -p /sys/fs/bpf/spoor-$1/maps
"$SPOOR" cleanup >kernel.out 2>&1
rc=$?
left=
[ -d $t/instances/spoor-$1 ] && left="$left instance" && rmdir $t/instances/spoor-$1
[ -d $t/instances/spoor-$$ ] || left="$left living-instance-removed"
grep -q spoor_$1 $t/uprobe_events && left="$left uprobe"
[ -d /sys/fs/bpf/spoor-$1 ] && left="$left pins"
rmdir $t/instances/spoor-$$
if [ -n "$left" ]; then
	echo 0 >$t/events/spoor_$1/left/enable
	echo "-:spoor_$1/left" >>$t/uprobe_events
fi
echo "$rc$left" >kernel.result
END
unshare -m --propagation unchanged sh private.sh "$dead" >private.log 2>&1
case $?:$(cat kernel.result 2>/dev/null) in
0:0) ok kernel ;;
9:*) skip kernel "$(tail -n 1 private.log)" ;;
*) no kernel "$(cat kernel.result) $(cat kernel.out)" ;;
esac

# ---- a recording killed without mercy leaves nothing in the kernel ---------------------------------
if command -v bpftool >/dev/null || [ -x /usr/sbin/bpftool ]; then
	PATH=$PATH:/usr/sbin
	"$SPOOR" record -q -a -d 20 -o killed.spoor >/dev/null 2>&1 &
	pid=$!
	loaded=
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		sleep 0.2
		loaded=$(bpftool prog list -p 2>/dev/null | awk -v p="$pid" '/"pid":/ && $2 + 0 == p { print 1; exit }')
		[ -s killed.spoor ] && [ -n "$loaded" ] && break
	done
	before=$(bpftool prog list 2>/dev/null | grep -c '^[0-9]*: perf_event')
	kill -9 $pid
	wait $pid 2>/dev/null
	sleep 0.5
	after=$(bpftool prog list 2>/dev/null | grep -c '^[0-9]*: perf_event')
	if [ "$before" -eq 0 ]; then
		skip kill-9 "the recording did not start"
	elif [ "$after" -lt "$before" ]; then
		ok kill-9
	else
		no kill-9 "$before programs before, $after after"
	fi
else
	skip kill-9 "no bpftool"
fi
