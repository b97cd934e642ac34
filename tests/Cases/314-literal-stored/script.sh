#!/bin/busybox sh
# A literal of the livepatch is stored in kernel memory

fail() { echo "$*"; exit 1; }

case $1 in
before)
	grep -q " : Reserved$" /proc/iomem || fail "nothing is reserved"
	;;
during)
	grep -q " : reserved (lp)$" /proc/iomem || fail "the name has not changed"
	;;
after)
	# The names that were stored stay.
	grep -q " : reserved (lp)$" /proc/iomem || fail "the name is gone"
	;;
*)
	fail "unknown phase $1"
	;;
esac
