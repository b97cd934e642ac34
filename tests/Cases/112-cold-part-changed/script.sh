#!/bin/busybox sh
# Only the .cold part of a function changes

fail() { echo "$*"; exit 1; }
old() { dmesg | grep -c "): drop_caches: "; }
new() { dmesg | grep -c "): dropped caches: "; }

was_old=$(old)
was_new=$(new)
echo 1 >/proc/sys/vm/drop_caches
case $1 in
before | after)
	[ "$(old)" -gt "$was_old" ] || fail "the old message is missing"
	[ "$(new)" = "$was_new" ] || fail "the new message is there"
	;;
during)
	[ "$(new)" -gt "$was_new" ] || fail "the new message is missing"
	[ "$(old)" = "$was_old" ] || fail "the old message is there"
	;;
*)
	fail "unknown phase $1"
	;;
esac
