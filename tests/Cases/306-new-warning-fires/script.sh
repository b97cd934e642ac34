#!/bin/busybox sh
# A WARN_ON that fires reports the livepatch and the kernel goes on

fail() { echo "$*"; exit 1; }
warned() { dmesg | grep -c "$1 was read"; }

# Before the livepatch the module is not loaded.
read_limit() {
	[ -f /sys/module/loop/initstate ] || return 0
	dd if=/dev/zero of=/tmp/disk bs=4096 count=4 2>/dev/null
	losetup /dev/loop0 /tmp/disk || fail "no loop device"
	cat /sys/block/loop0/loop/sizelimit >/dev/null || fail "cannot read"
	losetup -d /dev/loop0
}

was=$(warned "\(cmdline\|limit\)")
cat /proc/cmdline >/dev/null || fail "cannot read"
read_limit
case $1 in
before | after)
	[ "$(warned "\(cmdline\|limit\)")" = "$was" ] || fail "a warning came"
	;;
during)
	[ "$(warned cmdline)" = 1 ] || fail "$(warned cmdline) warnings came, not one"
	[ "$(warned limit)" = 1 ] || fail "$(warned limit) warnings came of the module, not one"
	dmesg | grep -q 'WARNING: .* cmdline_proc_show+' || fail "the warning does not name the function"
	dmesg | grep -q 'WARNING: .* loop_attr_do_show_sizelimit+' || fail "the warning does not name the module's function"
	cat /proc/cmdline >/dev/null
	read_limit
	[ "$(warned "\(cmdline\|limit\)")" = 2 ] || fail "a warning came more than once"
	;;
*)
	fail "unknown phase $1"
	;;
esac
