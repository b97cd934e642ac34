#!/bin/busybox sh
# A patched function calls an exported function that its unit did not use

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	! grep -q "^now " /proc/version || fail "the time is there"
	;;
during)
	a=$(date +%s)
	now=$(sed -n "s/^now //p" /proc/version)
	[ -n "$now" ] || fail "the time is missing"
	[ $now -ge $a ] && [ $now -le $((a + 60)) ] || fail "the time is $now, not $a"
	;;
*)
	fail "unknown phase $1"
	;;
esac
