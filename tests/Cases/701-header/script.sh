#!/bin/busybox sh
# A changed inline function of a header patches what inlines it

fail() { echo "$*"; exit 1; }

node=/tmp/header-node
mkdir -p /tmp
rm -f $node
mknod $node b 249 1 || fail "major 249 is refused"
rm -f $node
case $1 in
before | after)
	mknod $node b 250 1 || fail "major 250 is refused"
	;;
during)
	mknod $node b 250 1 2>/dev/null && fail "major 250 is accepted"
	;;
*)
	fail "unknown phase $1"
	;;
esac
rm -f $node
