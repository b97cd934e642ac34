#!/bin/busybox sh
# A function loses its .cold part

fail() { echo "$*"; exit 1; }
said() { dmesg | grep -c "): drop_caches: "; }

was=$(said)
echo 1 >/proc/sys/vm/drop_caches
case $1 in
before | after)
	[ "$(said)" -gt "$was" ] || fail "the message is missing"
	;;
during)
	[ "$(said)" = "$was" ] || fail "the message is still there"
	;;
*)
	fail "unknown phase $1"
	;;
esac
