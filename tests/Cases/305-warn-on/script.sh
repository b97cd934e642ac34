#!/bin/busybox sh
# A WARN_ON that does not fire stays quiet in a patched function

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	[ "$("$CASE/timer-interval")" = 7.500000000 ] || fail "the interval is $("$CASE/timer-interval")"
	;;
during)
	[ "$("$CASE/timer-interval")" = 7.000000000 ] || fail "the interval is $("$CASE/timer-interval")"
	;;
*)
	fail "unknown phase $1"
	;;
esac
