#!/bin/busybox sh
# A function with a table of its own labels brings the table

fail() { echo "$*"; exit 1; }

expect() {
	got=$($CASE/filter $1 $2) || fail "the filter cannot be attached"
	[ "$got" = $3 ] || fail "of $1 bytes $got came through, not $3"
}

# Only filters that are attached while the compiler is off are interpreted.
jit=$(cat /proc/sys/net/core/bpf_jit_enable)
echo 0 > /proc/sys/net/core/bpf_jit_enable
case $1 in
before | after)
	expect 100 77 77
	;;
during)
	expect 100 77 33
	;;
*)
	fail "unknown phase $1"
	;;
esac
expect 100 50 50
expect 10 50 10
expect 100 0 0
echo $jit > /proc/sys/net/core/bpf_jit_enable
