#!/bin/busybox sh
# One of several functions named m_show is patched

fail() { echo "$*"; exit 1; }
dir=/tmp/equal-name-m-show
mkdir -p $dir

case $1 in
before | after)
	mount -t ramfs none $dir || fail "cannot mount"
	grep -q " $dir ramfs " /proc/mounts
	shown=$?
	umount $dir
	[ $shown = 0 ] || fail "the ramfs mount is hidden"
	;;
during)
	mount -t ramfs none $dir || fail "cannot mount"
	grep -q " $dir ramfs " /proc/mounts
	shown=$?
	umount $dir
	[ $shown != 0 ] || fail "the ramfs mount is shown"
	grep -q " /proc proc " /proc/mounts || fail "other mounts are hidden"
	;;
*)
	fail "unknown phase $1"
	;;
esac
