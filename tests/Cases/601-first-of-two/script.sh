#!/bin/busybox sh
# The first of two livepatches

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	! grep -q first /proc/uptime /proc/version || fail "first is there"
	;;
during)
	grep -q "^first$" /proc/uptime || fail "first is missing in uptime"
	grep -q "^first$" /proc/version || fail "first is missing in version"
	;;
*)
	fail "unknown phase $1"
	;;
esac
