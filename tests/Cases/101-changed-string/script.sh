#!/bin/busybox sh
# A changed string is shown while the livepatch is loaded

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	grep -q "^VmallocChunk:" /proc/meminfo || fail "VmallocChunk is missing"
	! grep -q "^VMALLOCCHUNK:" /proc/meminfo || fail "VMALLOCCHUNK is there"
	;;
during)
	grep -q "^VMALLOCCHUNK:" /proc/meminfo || fail "VMALLOCCHUNK is missing"
	! grep -q "^VmallocChunk:" /proc/meminfo || fail "VmallocChunk is there"
	;;
*)
	fail "unknown phase $1"
	;;
esac
