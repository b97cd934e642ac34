#!/bin/busybox sh
# An exported function changes, and its types get other words

fail() { echo "$*"; exit 1; }

dir=/tmp/export-keeps-its-type
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
	;;
*)
	fail "unknown phase $1"
	;;
esac
exit 0
