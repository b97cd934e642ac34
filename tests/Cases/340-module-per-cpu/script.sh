#!/bin/busybox sh
# The hardware is said to have dropped a thousand packets for each processor

fail() { echo "$*"; exit 1; }

dropped=$("$CASE/dropped") || fail "the number of dropped packets cannot be read"
case $1 in
before | after)
	[ "$dropped" = 0 ] || fail "$dropped packets are said to be dropped"
	;;
during)
	[ "$dropped" -gt 0 ] && [ $((dropped % 1000)) = 0 ] || fail "$dropped packets are said to be dropped"
	;;
*)
	fail "unknown phase $1"
	;;
esac
