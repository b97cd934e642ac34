# A task that no signal moves out of a function that is to be patched.
asleep() {
    ./sleeper >child &
    until [ -s child ]; do
        sleep 0.2
    done
}

awake() {
    kill "$(cat child)"
    rm -f child
}

# awake_later: when the command that is asked next waits for the transition.
awake_later() {
    : >said
    {
        until grep -q transition said; do
            sleep 0.2
        done
        awake
    } &
}

# says STATUS PATTERN: the last command, whose output is in the file said.
says() {
    [ "$status" = "$1" ] && grep -q "$2" said || fail "status $status, expected $1 and '$2': $(cat said)"
}

ask() {
    echo "# elivepatch $*"
    elivepatch "$@" >said
    status=$?
}

echo "== stalled"
asleep
ask patch --allow-http --transition-limit 5 vfork-message.patch
says 75 'sleeper'
livepatch=$(ls /sys/kernel/livepatch)
grep -q "$livepatch" said || fail "it does not say which: $(cat said)"
ask status --check
says 1 "$livepatch is going live"

echo "== asked again, it waits on"
awake_later
ask patch --allow-http vfork-message.patch
says 0 "$livepatch"
[ "$(cat "/sys/kernel/livepatch/$livepatch/transition")" = 0 ] || fail "the transition goes on"
ask disable "$livepatch"
says 0 disabled

echo "== killed during a stall"
asleep
LD_LIBRARY_PATH=/job/lib /job/elivepatch patch --allow-http vfork-message.patch >said 2>&1 &
until [ -d "/sys/kernel/livepatch/$livepatch" ]; do
    kill -0 $! || fail "$(cat said)"
    sleep 0.2
done
kill -KILL $!
# It has its lock until it is gone.
wait $! || true
awake_later
ask patch --allow-http vfork-message.patch
says 0 "$livepatch"
ask status
grep -q 'live, by' said || fail "it is not known as ours: $(cat said)"
ask disable "$livepatch"
says 0 disabled

echo "== turned around, and asked again"
asleep
ask patch --allow-http --transition-limit 5 vfork-message.patch
says 75 sleeper
ask disable "$livepatch"
says 0 "$livepatch"
awake
ask patch --allow-http vfork-message.patch
says 0 "$livepatch"

echo "== a second one while the first is on its way out"
asleep
ask disable --transition-limit 5 "$livepatch"
says 75 sleeper
ask patch --allow-http --transition-limit 5 softirqs-small.patch
says 75 "$livepatch"
awake
ask patch --allow-http softirqs-small.patch
says 0 livepatch
sees cpu0 /proc/softirqs

echo "== a clock that is wrong at boot"
mkdir -p /root/units
ELIVEPATCH_UNIT_FOLDER=/root/units must elivepatch persist
second=$(cd /sys/kernel/livepatch && ls)
for year in 1980 2100; do
    echo "# $year"
    echo 0 >"/sys/kernel/livepatch/$second/enabled"
    until rmmod "$second" 2>/dev/null; do
        sleep 0.2
    done
    date -s "$year-01-01 00:00:00" >/dev/null
    LD_LIBRARY_PATH=/job/lib /job/elivepatch load-persisted >said 2>&1 &
    loading=$!
    until grep -q "$second: live" said; do
        kill -0 $loading || fail "$(cat said)"
        sleep 0.2
    done
    kill -TERM $loading
    wait $loading
    sees cpu0 /proc/softirqs
done
if dmesg | grep -E 'WARNING|BUG|Oops|Call Trace'; then
    fail "the kernel complains"
fi
