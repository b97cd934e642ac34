#!/bin/busybox sh
# A changed condition takes effect and is undone

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	(echo 700 >/proc/self/oom_score_adj) 2>/dev/null || fail "700 is refused"
	(echo 1700 >/proc/self/oom_score_adj) 2>/dev/null && fail "1700 is accepted"
	true
	;;
during)
	(echo 700 >/proc/self/oom_score_adj) 2>/dev/null && fail "700 is accepted"
	(echo 400 >/proc/self/oom_score_adj) 2>/dev/null || fail "400 is refused"
	;;
*)
	fail "unknown phase $1"
	;;
esac
