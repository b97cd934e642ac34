#!/bin/busybox sh
# A new function is called

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	set -- $(cat /proc/loadavg)
	[ $# = 5 ] || fail "/proc/loadavg has $# words"
	;;
during)
	set -- $(cat /proc/loadavg)
	[ $# = 6 ] || fail "/proc/loadavg has $# words"
	[ "$6" = calm ] || [ "$6" = busy ] || fail "load is $6"
	;;
*)
	fail "unknown phase $1"
	;;
esac
