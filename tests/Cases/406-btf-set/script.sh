#!/bin/busybox sh
# A patched function asks a BTF set of its unit

fail() { echo "$*"; exit 1; }

expect() {
	got=$($CASE/load $1)
	[ "$got" = $2 ] || fail "a program of $1 instructions gives $got, not $2"
}

case $1 in
before | after)
	expect 7 0
	;;
during)
	expect 7 18
	;;
*)
	fail "unknown phase $1"
	;;
esac
expect 6 0
