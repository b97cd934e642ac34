#!/bin/busybox sh
# Queues that are to average over 512 packets are refused

fail() { echo "$*"; exit 1; }

ip link set lo up || fail "no loopback"
for kind in red choke sfq; do
	[ -f /sys/module/sch_$kind/initstate ] || continue
	"$CASE/queue" $kind 8 || fail "$kind does not average over 256 packets"
	case $1 in
	before | after) "$CASE/queue" $kind 9 || fail "$kind does not average over 512 packets" ;;
	during) ! "$CASE/queue" $kind 9 || fail "$kind averages over 512 packets" ;;
	*) fail "unknown phase $1" ;;
	esac
done
