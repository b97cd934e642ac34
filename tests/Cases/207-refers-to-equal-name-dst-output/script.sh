#!/bin/busybox sh
# A patched function takes the address of one of eight functions named dst_output

fail() { echo "$*"; exit 1; }

ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up || fail "no loopback"
ip addr add 127.0.0.1/8 dev lo 2>/dev/null
got=$("$CASE/udp-ttl" 77) || fail "no packet comes back"
other=$("$CASE/udp-ttl" 66) || fail "no packet comes back"
[ "$other" = 66 ] || fail "66 becomes $other"
case $1 in
before | after)
	[ "$got" = 77 ] || fail "77 becomes $got"
	;;
during)
	[ "$got" = 7 ] || fail "77 stays $got"
	;;
*)
	fail "unknown phase $1"
	;;
esac
