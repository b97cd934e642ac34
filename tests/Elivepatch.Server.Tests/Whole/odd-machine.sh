# What a machine may be besides an ordinary one: it sleeps, it is a container, it is locked down.
ask() {
    echo "# elivepatch $*"
    elivepatch "$@" >said
    status=$?
}

# refuses PATTERN: the last command failed, and the file said has this.
refuses() {
    [ "$status" != 0 ] && grep -q "$1" said || fail "status $status, expected a failure and '$1': $(cat said)"
}

echo "== root in a container"
echo "# unshare -Ur elivepatch patch"
LD_LIBRARY_PATH=/job/lib unshare -U -r /job/elivepatch patch --allow-http softirqs-small.patch >said 2>&1
status=$?
refuses container
[ -z "$(ls /sys/kernel/livepatch)" ] || fail "it is live"

echo "== asleep"
ask patch --allow-http softirqs-small.patch
[ "$status" = 0 ] || fail "$(cat said)"
cat /sys/power/state
echo +5 >/sys/class/rtc/rtc0/wakealarm || fail "nobody would wake it"
echo mem >/sys/power/state || fail "it does not sleep"
dmesg | grep -i 'PM: suspend exit' || fail "it did not sleep"
sees cpu0 /proc/softirqs
ask status --check
[ "$status" = 0 ] || fail "$(cat said)"
must elivepatch disable "$(ls /sys/kernel/livepatch)"

echo "== locked down"
mount -t securityfs security /sys/kernel/security 2>/dev/null
echo integrity >/sys/kernel/security/lockdown || fail "$(cat /sys/kernel/security/lockdown)"
ask patch --allow-http softirqs-small.patch
refuses 'lockdown (integrity)'
refuses 'not signed'
sees CPU0 /proc/softirqs
if dmesg | grep -E 'WARNING|BUG|Oops|Call Trace'; then
    fail "the kernel complains"
fi
