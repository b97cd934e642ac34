#!/bin/busybox sh
# Per-CPU data and a static atomic of a patched function keep their values

fail() { echo "$*"; exit 1; }

state=/tmp/per-cpu-state
mkdir -p /tmp
set -- $1 $("$CASE/pipe-inodes") || fail "no pipes"
phase=$1 first=$2 last=$3 step=$4
case $phase in
before)
	[ "$step" = 1 ] || fail "the usual step is $step"
	;;
during)
	[ "$step" = 2 ] || fail "the usual step is $step"
	[ $last -gt "$(cat $state)" ] || fail "$last comes again"
	;;
after)
	[ "$step" = 1 ] || fail "the usual step is $step"
	[ $last -gt "$(cat $state)" ] || fail "$last comes again"
	;;
*)
	fail "unknown phase $phase"
	;;
esac
echo $last >$state
