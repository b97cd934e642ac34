#!/bin/busybox sh
# A patched function calls one of two functions named print_cpu

fail() { echo "$*"; exit 1; }

now=$(sed -n 's/^now at \([0-9]*\) nsecs$/\1/p' /proc/timer_list)
[ -n "$now" ] || fail "the time is missing"
grep -q "^cpu: 0$" /proc/timer_list || fail "the list of timers is missing"
case $1 in
before | after)
	[ ${#now} -lt 18 ] || fail "the time is $now"
	;;
during)
	[ ${#now} -ge 18 ] || fail "the time is $now"
	;;
*)
	fail "unknown phase $1"
	;;
esac
