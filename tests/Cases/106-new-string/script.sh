#!/bin/busybox sh
# A new string is added to the output

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	! grep -q livepatched=yes /proc/cmdline || fail "the new string is there"
	;;
during)
	grep -q " livepatched=yes$" /proc/cmdline || fail "the new string is missing"
	[ "$(wc -l </proc/cmdline)" = 1 ] || fail "/proc/cmdline has more than one line"
	;;
*)
	fail "unknown phase $1"
	;;
esac
