#!/bin/busybox sh
# A static function takes one more argument, and its callers pass it

fail() { echo "$*"; exit 1; }
dir=/tmp/changed-signature
mkdir -p $dir

case $1 in
before | after)
	if mount -t TMPFS none "$dir" 2>/dev/null; then
		umount "$dir"
		fail "TMPFS is known"
	 fi
	;;
during)
	mount -t TMPFS none "$dir" || fail "TMPFS is not known"
	umount "$dir"
	mount -t tmpfs none "$dir" || fail "tmpfs is not known"
	umount "$dir"
	;;
*)
	fail "unknown phase $1"
	;;
esac
