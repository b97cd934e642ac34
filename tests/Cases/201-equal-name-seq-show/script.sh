#!/bin/busybox sh
# One of several functions named seq_show is patched

fail() { echo "$*"; exit 1; }
exec </dev/null

case $1 in
before | after)
	grep -q "^pos:" /proc/self/fdinfo/0 || fail "pos is missing"
	;;
during)
	grep -q "^POS:" /proc/self/fdinfo/0 || fail "POS is missing"
	;;
*)
	fail "unknown phase $1"
	;;
esac
