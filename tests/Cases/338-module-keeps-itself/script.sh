#!/bin/busybox sh
# Devices that are made while the livepatch is live say that they leave

fail() { echo "$*"; exit 1; }

make() { ip link add "$1" type dummy || fail "no device"; }
remove() { ip link del "$1" || fail "the device stays"; }
said() { dmesg | grep -c "$1.*leaves with 0 packets"; }

was=$(said dummy7)
make dummy7
remove dummy7
case $1 in
before)
	[ "$(said dummy7)" = "$was" ] || fail "the device says that it leaves"
	;;
during)
	[ "$(said dummy7)" -gt "$was" ] || fail "the device does not say that it leaves"
	# It leaves with the module, of which the patched function is part.
	make dummy8
	;;
after)
	[ "$(said dummy7)" = "$was" ] || fail "the device says that it leaves"
	[ "$(said dummy8)" -gt 0 ] || fail "the device that was there when the module left did not say so"
	;;
*)
	fail "unknown phase $1"
	;;
esac
