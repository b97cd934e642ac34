#!/bin/busybox sh
# A WARN_ON that fires reports the livepatch and the kernel goes on

fail() { echo "$*"; exit 1; }
warned() { dmesg | grep -c "cmdline was read"; }

was=$(warned)
cat /proc/cmdline >/dev/null || fail "cannot read"
case $1 in
before | after)
	[ "$(warned)" = "$was" ] || fail "a warning came"
	;;
during)
	[ "$(warned)" = 1 ] || fail "$(warned) warnings came, not one"
	dmesg | grep -q 'WARNING: .* cmdline_proc_show+' || fail "the warning does not name the function"
	cat /proc/cmdline >/dev/null
	[ "$(warned)" = 1 ] || fail "the warning came more than once"
	;;
*)
	fail "unknown phase $1"
	;;
esac
