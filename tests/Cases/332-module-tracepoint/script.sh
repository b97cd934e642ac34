#!/bin/busybox sh
# The module sunrpc is patched while the livepatch is loaded

fail() { echo "$*"; exit 1; }

[ -f /sys/module/sunrpc/initstate ] || fail "sunrpc is not loaded"
case $1 in
during)
	[ "$(cat /sys/kernel/livepatch/*/sunrpc/patched)" = 1 ] || fail "sunrpc is not patched"
	;;
before | after) ;;
*)
	fail "unknown phase $1"
	;;
esac
