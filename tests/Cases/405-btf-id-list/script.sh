#!/bin/busybox sh
# A patched function uses the ids of a BTF id list of its unit

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	! grep -q ^btf /proc/net/netlink || fail "the line is there"
	;;
during)
	set -- $(grep ^btf /proc/net/netlink)
	[ "$1" = btf ] || fail "the line is missing"
	[ "$2" -gt 0 ] || fail "the id is $2"
	;;
*)
	fail "unknown phase $1"
	;;
esac
