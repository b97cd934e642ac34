#!/bin/busybox sh
# A new static function has the name of a global function of the kernel

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	grep -q "own unix_gc" /proc/version && fail "the new function is called"
	;;
during)
	grep -q "^own unix_gc 0$" /proc/version || fail "the new function is not called"
	;;
*)
	fail "unknown phase $1"
	;;
esac
exit 0
