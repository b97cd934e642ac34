#!/bin/busybox sh
# A static local variable keeps its running value

fail() { echo "$*"; exit 1; }
loud() { dmesg | grep -c "): drop_caches: "; }
quiet() { dmesg | grep -c "drop_caches: quiet"; }

was_loud=$(loud)
was_quiet=$(quiet)
case $1 in
before)
	echo 1 >/proc/sys/vm/drop_caches
	[ "$(loud)" -gt "$was_loud" ] || fail "no message at first"
	echo 4 >/proc/sys/vm/drop_caches
	was_loud=$(loud)
	echo 1 >/proc/sys/vm/drop_caches
	[ "$(loud)" = "$was_loud" ] || fail "the message is not silenced"
	;;
during)
	echo 1 >/proc/sys/vm/drop_caches
	[ "$(loud)" = "$was_loud" ] || fail "the value was lost: the message is back"
	[ "$(quiet)" -gt "$was_quiet" ] || fail "the new message is missing"
	;;
after)
	echo 1 >/proc/sys/vm/drop_caches
	[ "$(loud)" = "$was_loud" ] || fail "the value was lost: the message is back"
	[ "$(quiet)" = "$was_quiet" ] || fail "the new message is still there"
	;;
*)
	fail "unknown phase $1"
	;;
esac
