#!/bin/busybox sh
# New static data keeps a value between calls

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	[ "$(wc -l </proc/version)" = 1 ] || fail "/proc/version has more than one line"
	;;
during)
	a=$(sed -n 's/^read //p' /proc/version)
	b=$(sed -n 's/^read //p' /proc/version)
	[ "${b% *}" = $((${a% *} + 1)) ] || fail "first $a, then $b"
	[ "${a#* }" != "${b#* }" ] || fail "first $a, then $b"
	;;
*)
	fail "unknown phase $1"
	;;
esac
