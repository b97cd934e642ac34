#!/bin/busybox sh
# The module kvm is patched while the livepatch is loaded

fail() { echo "$*"; exit 1; }

[ -f /sys/module/kvm/initstate ] || fail "kvm is not loaded"
case $1 in
during)
	[ "$(cat /sys/kernel/livepatch/*/kvm/patched)" = 1 ] || fail "kvm is not patched"
	;;
before | after) ;;
*)
	fail "unknown phase $1"
	;;
esac
