#!/bin/busybox sh
# A static local variable goes where the author says so

fail() { echo "$*"; exit 1; }
loud() { dmesg | grep -c "): drop_caches: "; }

was_loud=$(loud)
case $1 in
before)
	echo 4 >/proc/sys/vm/drop_caches
	was_loud=$(loud)
	echo 1 >/proc/sys/vm/drop_caches
	[ "$(loud)" = "$was_loud" ] || fail "the message is not silenced"
	;;
during)
	echo 1 >/proc/sys/vm/drop_caches
	[ "$(loud)" -gt "$was_loud" ] || fail "the message is silenced still"
	;;
after)
	echo 1 >/proc/sys/vm/drop_caches
	[ "$(loud)" = "$was_loud" ] || fail "the old function lost its value"
	;;
*)
	fail "unknown phase $1"
	;;
esac
