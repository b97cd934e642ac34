#!/bin/busybox sh
# The implementation of a system call is patched

fail() { echo "$*"; exit 1; }

file=/tmp/system-call-file
mkdir -p /tmp
rm -f $file
mode=$(umask 0; : >$file; stat -c %a $file)
case $1 in
before | after)
	[ "$mode" = 666 ] || fail "the mode is $mode"
	;;
during)
	[ "$mode" = 664 ] || fail "the mode is $mode"
	;;
*)
	fail "unknown phase $1"
	;;
esac
