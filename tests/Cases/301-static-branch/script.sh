#!/bin/busybox sh
# A static branch in a patched function follows its key

fail() { echo "$*"; exit 1; }

key=/proc/sys/kernel/sched_schedstats
case $1 in
before | after)
	# What runs after the livepatch is gone runs once more after its module is: by then the key is off again.
	[ "$1" = after ] || rm -f restored
	left=1
	[ ! -f restored ] || left=0
	[ "$1" = before ] || [ "$(cat $key)" = $left ] || fail "the key was lost: $(cat $key)"
	echo 0 >$key
	[ "$(cat $key)" = 0 ] || fail "switched off: $(cat $key)"
	# The livepatch is loaded with the key on, the other way than at compile time.
	echo 1 >$key
	[ "$(cat $key)" = 1 ] || fail "switched on: $(cat $key)"
	;;
during)
	[ "$(cat $key)" = 3 ] || fail "on at load: $(cat $key)"
	echo 0 >$key
	[ "$(cat $key)" = 0 ] || fail "switched off: $(cat $key)"
	echo 1 >$key
	[ "$(cat $key)" = 3 ] || fail "switched on: $(cat $key)"
	;;
*)
	fail "unknown phase $1"
	;;
esac
if [ "$1" = after ]; then
	echo 0 >$key
	touch restored
fi
