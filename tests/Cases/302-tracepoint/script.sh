#!/bin/busybox sh
# A tracepoint in a patched function still fires

fail() { echo "$*"; exit 1; }

tracing=/sys/kernel/tracing
[ -d $tracing/events ] || mount -t tracefs none $tracing || fail "no tracefs"
echo >$tracing/trace
echo 1 >$tracing/events/task/task_rename/enable
printf '!marked' >/proc/$$/comm
read -r name </proc/$$/comm
echo 0 >$tracing/events/task/task_rename/enable
case $1 in
before | after)
	want='!marked'
	;;
during)
	want=marked
	;;
*)
	fail "unknown phase $1"
	;;
esac
[ "$name" = "$want" ] || fail "the name is $name"
grep -q "task_rename: .*newcomm=$want " $tracing/trace || fail "the event is missing: $(tail -n 1 $tracing/trace)"
