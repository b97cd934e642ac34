#!/bin/busybox sh
# What the attributes of a loop device show comes from tables and data of the kernel

fail() { echo "$*"; exit 1; }
trap 'losetup -d /dev/loop0 2>/dev/null' EXIT

control=/proc/dynamic_debug/control
accounting=/proc/sys/kernel/task_delayacct

attach() {
	dd if=/dev/zero of=/tmp/disk bs=4096 count=4 2>/dev/null
	losetup /dev/loop0 /tmp/disk || fail "no loop device"
}

show() { cat "/sys/block/loop0/loop/$1"; }
shows() { [ "$(show "$1")" = "$2" ] || fail "$1 is shown as '$(show "$1")', not as '$2'"; }
said() { dmesg | grep -c "live: direct I/O of 0"; }

attach
case $1 in
before | after)
	for attribute in sizelimit offset autoclear partscan dio; do
		shows $attribute 0
	done
	;;
during)
	# An emulated processor has every register.
	case $(show sizelimit) in
	"-14 -5" | "-14 0") ;;
	*) fail "the failures are '$(show sizelimit)'" ;;
	esac

	set -- /proc/[0-9]*
	read -r processes of self </sys/block/loop0/loop/offset || fail "the processes are not counted"
	[ "$of $self" = "of $$" ] || fail "process $$ is taken for $self"
	[ "$processes" -gt $(($# - 10)) ] && [ "$processes" -lt $(($# + 10)) ] || fail "$processes processes are counted, not $#"

	shows autoclear "guest 0"

	echo 1 >$accounting
	shows partscan "accounting 0"
	echo 0 >$accounting
	shows partscan "no accounting 0"

	was=$(said)
	shows dio "live 0"
	[ "$(said)" = "$was" ] || fail "the message comes though it is off"
	echo 'format "live: direct I/O" +p' >$control
	shows dio "live 0"
	[ "$(said)" -gt "$was" ] || fail "the message does not come though it is on"
	;;
*)
	fail "unknown phase $1"
	;;
esac
