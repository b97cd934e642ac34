#!/bin/busybox sh
# A field in a hole of a structure is taken where the author says that it is safe

fail() { echo "$*"; exit 1; }
info=$("$CASE/eventfd-info") || fail "no eventfd"
echo "$info" | grep -q "^eventfd-count: *7$" || fail "$info"
case $1 in
before | after)
	echo "$info" | grep -q origin && fail "the new line is there"
	;;
during)
	echo "$info" | grep -q "^eventfd-origin: 42$" || fail "$info"
	;;
*)
	fail "unknown phase $1"
	;;
esac
exit 0
