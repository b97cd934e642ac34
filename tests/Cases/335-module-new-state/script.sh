#!/bin/busybox sh
# The size limit is shown with a word that depends on how often it was shown; the offset turns a static branch when it is shown

fail() { echo "$*"; exit 1; }
trap 'losetup -d /dev/loop0 2>/dev/null' EXIT

attach() {
	dd if=/dev/zero of=/tmp/disk bs=4096 count=4 2>/dev/null
	losetup /dev/loop0 /tmp/disk || fail "no loop device"
}

shows() { [ "$(cat "/sys/block/loop0/loop/$1")" = "$2" ] || fail "the $1 is not shown as '$2'"; }

attach
case $1 in
before | after)
	shows sizelimit 0
	shows sizelimit 0
	shows offset 0
	shows offset 0
	;;
during)
	shows sizelimit "never 0"
	shows sizelimit "once 0"
	shows sizelimit "twice 0"
	shows sizelimit "often 0"
	shows sizelimit "often 0"
	shows offset 0
	shows offset "seen 0"
	# What the livepatch has outlives the module.
	losetup -d /dev/loop0
	rmmod loop || fail "loop cannot be unloaded"
	insmod targets/loop.ko || fail "loop cannot be loaded again"
	attach
	shows sizelimit "often 0"
	shows offset "seen 0"
	;;
*)
	fail "unknown phase $1"
	;;
esac
