#!/bin/busybox sh
# A part of a function that is seldom run becomes a .cold part

fail() { echo "$*"; exit 1; }
both() { dmesg | grep -c "drop_caches: both 3"; }

was=$(both)
echo 3 >/proc/sys/vm/drop_caches
case $1 in
before | after)
	[ "$(both)" = "$was" ] || fail "the cold part runs"
	;;
during)
	[ "$(both)" -gt "$was" ] || fail "the cold part does not run"
	was=$(both)
	echo 2 >/proc/sys/vm/drop_caches
	[ "$(both)" = "$was" ] || fail "the cold part runs for 2"
	;;
*)
	fail "unknown phase $1"
	;;
esac
