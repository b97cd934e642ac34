#!/bin/busybox sh
# A changed __init function is left out where the author says so

fail() { echo "$*"; exit 1; }
[ "$(stat -c %a /proc/loadavg)" = 444 ] || fail "the mode changed"
case $1 in
before | after)
	grep -q " of " /proc/loadavg && fail "the new text is there"
	;;
during)
	grep -q " of " /proc/loadavg || fail "the new text is not there"
	;;
*)
	fail "unknown phase $1"
	;;
esac
exit 0
