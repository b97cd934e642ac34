#!/bin/busybox sh
# Two patched files share a new global

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	! grep -q seen /proc/uptime || fail "/proc/uptime counts"
	;;
during)
	a=$(sed -n 's/^seen //p' /proc/uptime)
	cat /proc/loadavg >/dev/null
	cat /proc/loadavg >/dev/null
	cat /proc/loadavg >/dev/null
	b=$(sed -n 's/^seen //p' /proc/uptime)
	[ "$b" = $((a + 3)) ] || fail "first $a, then $b"
	;;
*)
	fail "unknown phase $1"
	;;
esac
