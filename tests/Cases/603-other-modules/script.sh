#!/bin/busybox sh
# The second livepatch patches vmlinux and loop in another way, and dummy no longer

fail() { echo "$*"; exit 1; }

refuses_address() {
	ip link add dummy9 address 02:00:00:00:00:77 type dummy 2>/dev/null || return 0
	ip link del dummy9
	return 1
}

show() {
	[ -f /sys/module/loop/initstate ] || { shown=0; return; }
	dd if=/dev/zero of=/tmp/disk bs=4096 count=4 2>/dev/null
	losetup /dev/loop0 /tmp/disk || fail "no loop device"
	shown=$(cat /sys/block/loop0/loop/sizelimit)
	losetup -d /dev/loop0
}

show
case $1 in
before)
	refuses_address && grep -q "^VMALLOCCHUNK:" /proc/meminfo && [ "$shown" = "live 0" ] || fail "the first livepatch is not in effect"
	! grep -q second /proc/uptime || fail "second is there"
	;;
during)
	[ "$shown" = "second 0" ] || fail "the size limit is shown as '$shown'"
	grep -q "^second$" /proc/uptime || fail "second is missing in uptime"
	grep -q "^VmallocChunk:" /proc/meminfo || fail "the first livepatch's function of vmlinux is still in effect"
	! refuses_address || fail "the first livepatch's function of dummy is still in effect"
	;;
after)
	[ "$shown" = 0 ] || fail "the size limit is shown as '$shown'"
	! grep -q second /proc/uptime && ! refuses_address || fail "a livepatch is still in effect"
	;;
*)
	fail "unknown phase $1"
	;;
esac
