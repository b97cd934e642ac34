#!/bin/busybox sh
# A cumulative livepatch replaces the first in one transition

fail() { echo "$*"; exit 1; }

case $1 in
before)
	grep -q "^first$" /proc/uptime || fail "the first livepatch is not in effect"
	grep -q "^first$" /proc/version || fail "the first livepatch is not in effect"
	! grep -q second /proc/uptime /proc/loadavg || fail "second is there"
	;;
during)
	grep -q "^second$" /proc/uptime || fail "second is missing in uptime"
	grep -q "^second$" /proc/loadavg || fail "second is missing in loadavg"
	! grep -q first /proc/uptime /proc/version || fail "first is still there"
	[ "$(cat /sys/kernel/livepatch/*/enabled)" = 1 ] || fail "more than one livepatch: $(ls /sys/kernel/livepatch)"
	;;
after)
	! grep -q -e first -e second /proc/uptime /proc/version /proc/loadavg || fail "a livepatch is still in effect"
	;;
*)
	fail "unknown phase $1"
	;;
esac
