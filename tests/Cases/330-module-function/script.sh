#!/bin/busybox sh
# What a function of the module loop shows changes while the livepatch is loaded

fail() { echo "$*"; exit 1; }

show() {
	dd if=/dev/zero of=/tmp/disk bs=4096 count=4 2>/dev/null
	losetup /dev/loop0 /tmp/disk || fail "no loop device"
	shown=$(cat /sys/block/loop0/loop/sizelimit)
	losetup -d /dev/loop0
}

show
case $1 in
before | after)
	[ "$shown" = 0 ] || fail "the size limit is shown as '$shown'"
	;;
during)
	[ "$shown" = "live 0" ] || fail "the size limit is shown as '$shown'"
	;;
*)
	fail "unknown phase $1"
	;;
esac
