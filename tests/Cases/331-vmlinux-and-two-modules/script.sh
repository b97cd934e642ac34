#!/bin/busybox sh
# A function of vmlinux, one of the module loop and one of dummy change while the livepatch is loaded

fail() { echo "$*"; exit 1; }

# Before the livepatch only dummy is loaded.
show() {
	[ -f /sys/module/loop/initstate ] || { shown=0; return; }
	dd if=/dev/zero of=/tmp/disk bs=4096 count=4 2>/dev/null
	losetup /dev/loop0 /tmp/disk || fail "no loop device"
	shown=$(cat /sys/block/loop0/loop/sizelimit)
	losetup -d /dev/loop0
}

refuses_address() {
	ip link add dummy9 address 02:00:00:00:00:77 type dummy 2>/dev/null || return 0
	ip link del dummy9
	return 1
}

show
case $1 in
before | after)
	grep -q "^VmallocChunk:" /proc/meminfo || fail "vmlinux is patched"
	[ "$shown" = 0 ] || fail "the size limit is shown as '$shown'"
	! refuses_address || fail "dummy is patched"
	;;
during)
	grep -q "^VMALLOCCHUNK:" /proc/meminfo || fail "vmlinux is not patched"
	[ "$shown" = "live 0" ] || fail "the size limit is shown as '$shown'"
	refuses_address || fail "dummy is not patched"
	;;
*)
	fail "unknown phase $1"
	;;
esac
