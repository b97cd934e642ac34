#!/bin/busybox sh
# A static function that stands in kallsyms takes one more argument

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	[ "$("$CASE/timerfd-interval")" = 7.500000000 ] || fail "the interval is not 7.5 s"
	;;
during)
	[ "$("$CASE/timerfd-interval")" = 7.000000000 ] || fail "the interval is not 7 s"
	;;
*)
	fail "unknown phase $1"
	;;
esac
