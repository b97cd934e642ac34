#!/bin/busybox sh
# The module nf_tables is patched while the livepatch is loaded

fail() { echo "$*"; exit 1; }

[ -f /sys/module/nf_tables/initstate ] || fail "nf_tables is not loaded"
case $1 in
during)
	[ "$(cat /sys/kernel/livepatch/*/nf_tables/patched)" = 1 ] || fail "nf_tables is not patched"
	;;
before | after) ;;
*)
	fail "unknown phase $1"
	;;
esac
