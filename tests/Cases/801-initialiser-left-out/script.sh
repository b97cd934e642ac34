#!/bin/busybox sh
# A changed initialiser is left out where the author says so

fail() { echo "$*"; exit 1; }
count=$(cut -f1 /proc/sys/fs/file-nr)
limit=$(cut -f3 /proc/sys/fs/file-nr)
max=$(cat /proc/sys/fs/file-max)
[ "$limit" = "$max" ] || fail "file-nr says $limit, file-max $max"
if [ "$1" = before ]; then
	echo "$max" >/tmp/801-max
else
	[ "$max" = "$(cat /tmp/801-max)" ] || fail "the limit became $max"
fi
case $1 in
before | after)
	[ "$count" -lt 1000000 ] || fail "$count files"
	;;
during)
	[ "$count" -ge 1000000 ] || fail "still $count files"
	;;
*)
	fail "unknown phase $1"
	;;
esac
