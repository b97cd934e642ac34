#!/bin/busybox sh
# A changed system call whose body is out of line is brought by its entries

fail() { echo "$*"; exit 1; }

nice=$(./nice-value)
case $1 in
before | after)
	[ "$nice" = 0 ] || fail "the nice value is $nice"
	;;
during)
	[ "$nice" = -1 ] || fail "the nice value is $nice"
	;;
*)
	fail "unknown phase $1"
	;;
esac
