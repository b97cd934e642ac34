#!/bin/busybox sh
# Locked atomic operations on user memory in a patched function

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	want=512
	;;
during)
	want=2
	;;
*)
	fail "unknown phase $1"
	;;
esac
for how in add or xor; do
	got=$("$CASE/futex-op" $how) || fail "$how fails"
	[ "$got" = $want ] || fail "$how gives $got"
done
"$CASE/futex-op" bad || fail "a bad address does not give EFAULT"
