#!/bin/busybox sh
# A static call in a patched function goes where the kernel's does

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	[ "$("$CASE/mincore-values")" = "1 0" ] || fail "values are $("$CASE/mincore-values")"
	;;
during)
	[ "$("$CASE/mincore-values")" = "3 0" ] || fail "values are $("$CASE/mincore-values")"
	;;
*)
	fail "unknown phase $1"
	;;
esac
