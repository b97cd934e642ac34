#!/bin/busybox sh
# pr_debug in a patched function can be switched on

fail() { echo "$*"; exit 1; }

control=/proc/dynamic_debug/control
[ -w $control ] || { mount -t debugfs none /sys/kernel/debug 2>/dev/null; control=/sys/kernel/debug/dynamic_debug/control; }
[ -w $control ] || fail "no dynamic debug"

"$CASE/io-setup" bad
[ $? = 14 ] || fail "a bad address does not give EFAULT"
case $1 in
before | after)
	want=22 text=EINVAL
	;;
during)
	want=34 text=ERANGE
	grep -q 'ERANGE: ctx' $control || fail "the new message is not in the control file"
	;;
*)
	fail "unknown phase $1"
	;;
esac
said() { dmesg | grep -c "$text: ctx 0 nr_events 0"; }

was=$(said)
"$CASE/io-setup" none
[ $? = $want ] || fail "no events do not give $text"
[ "$(said)" = "$was" ] || fail "the message comes though it is off"
echo "format \"$text: ctx\" +p" >$control
"$CASE/io-setup" none
echo "format \"$text: ctx\" -p" >$control
[ "$(said)" -gt "$was" ] || fail "the message does not come though it is on"
was=$(said)
"$CASE/io-setup" none
[ "$(said)" = "$was" ] || fail "the message comes though it was switched off"
"$CASE/io-setup" good || fail "no context can be made"
