#!/bin/busybox sh
# The guest's first process: makes the machine usable, opens the channel to the host, runs /guest/main.sh and sends what is in
# /out. GuestStream.cs describes what goes over the channel.

export PATH=/bin:/job HOME=/tmp LC_ALL=C
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sys /sys
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev 2>/dev/null || mdev -s
mount -t tmpfs tmp /tmp 2>/dev/null
[ -d /sys/kernel/tracing ] && mount -t tracefs tracing /sys/kernel/tracing 2>/dev/null
[ -d /sys/kernel/debug ] && mount -t debugfs debug /sys/kernel/debug 2>/dev/null

# Where the guest has a network of its own, the host is 10.0.2.2 in it.
if [ -d /guest/network ]; then
    for driver in /guest/network/*.ko; do
        [ ! -f "$driver" ] || insmod "$driver"
    done
    ifconfig lo 127.0.0.1 up
    ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
fi

# A virtio port where the kernel has one, else the second serial port, which every PC kernel has but which is twenty times slower.
channel=
for name in /sys/class/virtio-ports/*/name; do
    [ -f "$name" ] && [ "$(cat "$name")" = org.elivepatch.channel ] && channel=/dev/$(basename "$(dirname "$name")")
done
pack=cat
if [ -z "$channel" ]; then
    channel=/dev/ttyS1
    stty -F "$channel" raw -echo
    pack='gzip -1'
fi

# Opened once: what has not gone out when a port is closed may be lost. What scripts start does not get it.
exec 5<>"$channel"

# Everything that anything here prints goes into one pipe, whose only reader gives every line its mark. The nonce tells our own
# events from what a script prints; it may stand behind an unfinished line.
read -r nonce </guest/nonce
mkfifo /guest/pipe
awk -v nonce="$nonce " '
    { at = index($0, nonce) }
    at == 0 { print "> " $0 }
    at > 1 { print "> " substr($0, 1, at - 1) }
    at > 0 { print "! " substr($0, at + length(nonce)) }
    at > 0 && / end [0-9]*$/ { exit }
    { fflush() }' </guest/pipe >&5 &
pump=$!
exec 3<>/guest/pipe 4<&- >&3 2>&3 </dev/null

# event WORD...: tells the host; the first word sent is the guest's uptime in seconds.
event() {
    read -r now _ </proc/uptime
    echo "$nonce $now $*" >&3
}

# mark WORD...: leaves a line in the kernel's log, and so on the console, by which the host cuts it.
mark() {
    echo "<5>elivepatch $nonce $*" >/dev/kmsg
}

echo 8 >/proc/sys/kernel/printk
event ready "$(uname -r)"
mark ready
status=0
. /guest/main.sh

tar -c -f /guest/out.tar -C /out . 2>/dev/null
$pack </guest/out.tar >/guest/out
event end "$status"
wait "$pump"
digest=$(sha256sum </guest/out)
receipt="$(stat -c %s /guest/out) ${digest%% *}"
{ echo "= $receipt ${pack%% *}"; cat /guest/out; } >&5
# What the emulator has not handed over when the machine ends is lost, so the machine does not end before the host has said what it has.
while read -r answer <&5 && [ "$answer" != "$receipt" ]; do
    :
done
mark end
reboot -f
