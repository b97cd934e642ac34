#!/bin/busybox sh
# A patched function uses the kernel's own static data

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	! grep -q "^dev" /proc/filesystems || fail "dev is there"
	grep -q "^nodev	tmpfs$" /proc/filesystems || fail "tmpfs is missing"
	grep -q "^	ext[34]$" /proc/filesystems || echo "no file system with a device"
	;;
during)
	! grep -q "^	" /proc/filesystems || fail "an empty field is there"
	grep -q "^nodev	tmpfs$" /proc/filesystems || fail "tmpfs is missing"
	[ $(wc -l </proc/filesystems) -gt 10 ] || fail "the list is short"
	;;
*)
	fail "unknown phase $1"
	;;
esac
