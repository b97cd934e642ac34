#!/bin/busybox sh
# A function of vmlinux and one of the module loop change while the livepatch is loaded

fail() { echo "$*"; exit 1; }

# Before the livepatch only the other module is loaded.
show() {
	[ -f /sys/module/loop/initstate ] || { shown=0; return; }
	dd if=/dev/zero of=/tmp/disk bs=4096 count=4 2>/dev/null
	losetup /dev/loop0 /tmp/disk || fail "no loop device"
	shown=$(cat /sys/block/loop0/loop/sizelimit)
	losetup -d /dev/loop0
}

show
case $1 in
before | after)
	grep -q "^VmallocChunk:" /proc/meminfo || fail "vmlinux is patched"
	[ "$shown" = 0 ] || fail "the size limit is shown as '$shown'"
	;;
during)
	grep -q "^VMALLOCCHUNK:" /proc/meminfo || fail "vmlinux is not patched"
	[ "$shown" = "live 0" ] || fail "the size limit is shown as '$shown'"
	;;
*)
	fail "unknown phase $1"
	;;
esac
