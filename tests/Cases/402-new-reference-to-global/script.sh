#!/bin/busybox sh
# A patched function calls a global function that is not exported and was not used by its unit

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	! grep -q " processes " /proc/version || fail "the line is there"
	;;
during)
	set -- $(sed -n 2p /proc/version)
	[ "$2 $4" = "processes threads" ] || fail "the line is missing"
	[ $1 -gt 5 ] && [ $1 -lt 32768 ] && [ $3 -gt 5 ] && [ $3 -lt 32768 ] || fail "$*"
	;;
*)
	fail "unknown phase $1"
	;;
esac
