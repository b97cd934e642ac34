#!/bin/busybox sh
# might_sleep in a patched function is quiet

fail() { echo "$*"; exit 1; }

case $1 in
before | after)
	"$CASE/set-owner" 1 || fail "owner 1 is refused"
	;;
during)
	"$CASE/set-owner" 1 && fail "owner 1 is accepted"
	"$CASE/set-owner" $$ || fail "owner $$ is refused"
	;;
*)
	fail "unknown phase $1"
	;;
esac
