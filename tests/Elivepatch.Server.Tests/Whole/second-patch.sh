# Things that ordinary machines have: a kprobe, a BPF program at the entry of functions that are to be patched, perf, a tracer.
echo 'p:machine/reads vfs_read' >/sys/kernel/tracing/kprobe_events
echo 1 >/sys/kernel/tracing/events/machine/reads/enable
echo do_sys_open >/sys/kernel/tracing/set_ftrace_filter
echo function >/sys/kernel/tracing/current_tracer
./observers loadavg_proc_show show_softirqs >watching &
tries=0
until grep -q watching watching; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] && kill -0 $! || fail "nobody watches"
    sleep 1
done

echo "== first"
must elivepatch patch --allow-http softirqs-small.patch
sees cpu0 /proc/softirqs
first=$(ls /sys/kernel/livepatch)

echo "== a driver that is loaded later"
must insmod dummy.ko
grep -q ' dummy_init_module' /proc/kallsyms || fail "the kernel does not remember the freed functions of the driver"

echo "== second, which replaces the first"
must elivepatch patch --allow-http loadavg-words.patch
sees cpu0 /proc/softirqs
sees load /proc/loadavg
second=$(ls /sys/kernel/livepatch)
[ "$first" != "$second" ] && [ "$(echo "$second" | wc -l)" = 1 ] || fail "live are: $second"
[ ! -d "/sys/module/$first" ] || fail "$first is still loaded"
must elivepatch status

echo "== disabled, and still loaded"
must elivepatch disable "$second"
sees CPU0 /proc/softirqs
! grep -q load /proc/loadavg || fail "it is still live"
[ -d "/sys/module/$second" ] || fail "it is unloaded"

echo "== one of them again, without the other"
rmmod dummy
insmod dummy.ko
must elivepatch patch --allow-http loadavg-words.patch
sees CPU0 /proc/softirqs
sees load /proc/loadavg

echo "== the other again: the same two as before, and so the same module"
must elivepatch patch --allow-http softirqs-small.patch
sees cpu0 /proc/softirqs
sees load /proc/loadavg

echo "== and the end"
must elivepatch disable "$(cd /sys/kernel/livepatch && ls)"
must elivepatch status
sees CPU0 /proc/softirqs
if dmesg | grep -E 'WARNING|BUG|Oops|Call Trace'; then
    fail "the kernel complains"
fi
kill -0 $! || fail "nobody watches any more"
