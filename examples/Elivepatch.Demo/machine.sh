# What happens on the machine: a stock kernel, its configuration in /boot as its package leaves it, and the one file `elivepatch`.
# Every command of it is one that an administrator types.
. /job/settings
mkdir -p /lib64 /boot /root
ln -s /job/lib/ld-linux-x86-64.so.2 /lib64/
cp config "/boot/config-$(uname -r)"
export LD_LIBRARY_PATH=/job/lib HOME=/root
umask 077

run() {
    echo "# $*"
    "$@" 2>&1 || { status=$?; echo "exit status $status"; exit $status; }
}

# expect WORD FILE: the line of the file that has the word, in large or small letters, as it is now.
expect() {
    echo "# grep -i $1 $2"
    grep -i "$1" "$2"
    grep -q "$1" "$2" || { echo "expected $1"; exit 1; }
}

expect VmallocChunk /proc/meminfo
run elivepatch trust --server "$server" --allow-http --key "$key" --token-file token
run elivepatch patch --allow-http --script check.sh meminfo-caps.patch
expect VMALLOCCHUNK /proc/meminfo
run elivepatch status
# A driver that comes later: the kernel's list of symbols tells of the functions of its start still after they were freed.
run insmod dummy.ko
run elivepatch patch --allow-http softirqs-small.patch
expect VMALLOCCHUNK /proc/meminfo
expect cpu0 /proc/softirqs
run elivepatch status
livepatch=$(ls /sys/kernel/livepatch)
run elivepatch disable "$livepatch"
run elivepatch unload "$livepatch"
expect VmallocChunk /proc/meminfo
expect CPU0 /proc/softirqs
echo "# the kernel's log"
if dmesg | grep -E 'WARNING|BUG|Oops|Call Trace'; then
    exit 1
fi
dmesg | grep -i livepatch
