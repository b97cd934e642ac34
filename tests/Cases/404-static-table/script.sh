#!/bin/busybox sh
# A patched function uses the kernel's own static table

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	grep -q "^State:	R (running)$" /proc/self/status || fail "State is missing"
	;;
during)
	grep -q "^STATE:	R (running)$" /proc/self/status || fail "STATE is missing"
	;;
*)
	fail "unknown phase $1"
	;;
esac
