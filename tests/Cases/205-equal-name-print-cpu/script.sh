#!/bin/busybox sh
# One of two functions named print_cpu is patched

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	grep -q "^cpu: 0$" /proc/timer_list || fail "cpu: is missing"
	! grep -q "^processor: 0$" /proc/timer_list || fail "processor: is there"
	;;
during)
	grep -q "^processor: 0$" /proc/timer_list || fail "processor: is missing"
	! grep -q "^cpu: 0$" /proc/timer_list || fail "cpu: is there"
	;;
*)
	fail "unknown phase $1"
	;;
esac
