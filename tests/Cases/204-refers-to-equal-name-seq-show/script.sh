#!/bin/busybox sh
# A patched function refers to one of several functions named seq_show

fail() { echo "$*"; exit 1; }
exec </dev/null

case $1 in
before | after)
	"$CASE/open-nofollow" /proc/self/fdinfo/0 || fail "cannot open without following links"
	;;
during)
	"$CASE/open-nofollow" /proc/self/fdinfo/0 && fail "can open without following links"
	grep -q "^pos:" /proc/self/fdinfo/0 || fail "the file has another content"
	;;
*)
	fail "unknown phase $1"
	;;
esac
