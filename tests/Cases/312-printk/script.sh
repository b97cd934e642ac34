#!/bin/busybox sh
# printk in a patched function

fail() { echo "$*"; exit 1; }
old() { dmesg | grep -c "): drop_caches: "; }
new() { dmesg | grep -c "]: drop_caches: "; }
notice() { dmesg -r | grep -c "<5>.*caches are dropped"; }

was="$(old) $(new) $(notice)"
echo 1 >/proc/sys/vm/drop_caches
set -- $1 $was $(old) $(new) $(notice)
case $1 in
before | after)
	[ $5 -gt $2 ] && [ $6 = $3 ] && [ $7 = $4 ] || fail "old, new, notice: $2 $3 $4, then $5 $6 $7"
	;;
during)
	[ $5 = $2 ] && [ $6 -gt $3 ] && [ $7 -gt $4 ] || fail "old, new, notice: $2 $3 $4, then $5 $6 $7"
	;;
*)
	fail "unknown phase $1"
	;;
esac
