#!/bin/busybox sh
# A patched file that is not a unit by itself: another .c file includes it

fail() { echo "$*"; exit 1; }
switch() { echo "$1" >/proc/sys/kernel/sched_schedstats; }
kept() { grep -c "^schedstats are kept$" /proc/self/sched; }
counted() { grep -c "^sum_sleep_runtime" /proc/self/sched; }

case $1 in
before | after)
	switch 1
	[ "$(counted)" = 1 ] || fail "switched on, no statistics"
	[ "$(kept)" = 0 ] || fail "the new line is there"
	switch 0
	[ "$(counted)" = 0 ] || fail "switched off, statistics"
	# The livepatch is loaded with the key on, the other way than at compile time.
	switch 1
	;;
during)
	[ "$(kept) $(counted)" = "1 1" ] || fail "on at load: $(kept) $(counted)"
	switch 0
	[ "$(kept) $(counted)" = "0 0" ] || fail "switched off: $(kept) $(counted)"
	switch 1
	[ "$(kept) $(counted)" = "1 1" ] || fail "switched on: $(kept) $(counted)"
	;;
*)
	fail "unknown phase $1"
	;;
esac
[ "$1" = after ] && switch 0
true
