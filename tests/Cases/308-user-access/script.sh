#!/bin/busybox sh
# User access with exception table and alternatives in a patched function

fail() { echo "$*"; exit 1; }

dir=/tmp/user-access
mkdir -p $dir
: >$dir/hidden-file
: >$dir/plain-file
"$CASE/getdents-fault" $dir || fail "a bad buffer does not give EFAULT"
ls $dir | grep -q '^plain-file$' || fail "the plain file is not listed"
case $1 in
before | after)
	ls $dir | grep -q '^hidden-file$' || fail "the file is hidden"
	;;
during)
	! ls $dir | grep -q '^hidden-file$' || fail "the file is not hidden"
	;;
*)
	fail "unknown phase $1"
	;;
esac
