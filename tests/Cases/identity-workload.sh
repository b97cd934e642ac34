#!/bin/busybox sh
# Exercises the units of identity.json from the shell, then through identity-workload, as often as its argument says. Prints the
# first thing that is not as it should be and exits with status 1; prints one line at the end if all is.

fail() { echo "$*"; exit 1; }

dir=/tmp/identity
rm -rf $dir
mkdir -p $dir/tmpfs

ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up || fail "no loopback"
ip addr add 127.0.0.1/8 dev lo 2>/dev/null

files() {
	mount -t tmpfs none $dir/tmpfs || fail "cannot mount tmpfs"
	i=0
	while [ $i -lt 30 ]; do
		echo "line $i" >>$dir/tmpfs/list
		: >$dir/tmpfs/file$i
		ln -s file$i $dir/tmpfs/link$i
		i=$((i + 1))
	done
	[ "$(ls $dir/tmpfs | wc -l)" = 61 ] || fail "61 names were made, $(ls $dir/tmpfs | wc -l) are listed"
	[ "$(wc -l <$dir/tmpfs/list)" = 30 ] || fail "lines are missing"
	touch -d '2001-02-03 04:05:06' $dir/tmpfs/file1
	[ "$(stat -c %y $dir/tmpfs/file1 | cut -c1-10)" = 2001-02-03 ] || fail "the time is not kept"
	mv $dir/tmpfs/file2 $dir/tmpfs/moved && [ ! -e $dir/tmpfs/file2 ] || fail "cannot rename"
	dd if=/dev/zero of=$dir/tmpfs/big bs=64k count=32 2>/dev/null
	[ "$(stat -c %s $dir/tmpfs/big)" = 2097152 ] || fail "the file has another size"
	find $dir/tmpfs -type l | wc -l | grep -q '^30$' || fail "links are missing"
	df $dir/tmpfs >/dev/null || fail "no file system statistics"
	rm -r $dir/tmpfs/file* $dir/tmpfs/link*
	umount $dir/tmpfs || fail "cannot unmount tmpfs"
}

processes() {
	i=0
	while [ $i -lt 20 ]; do
		[ "$(echo $i | cat | cat)" = $i ] || fail "a pipeline loses data"
		i=$((i + 1))
	done
	sleep 100 &
	kill -TERM $! || fail "cannot kill"
	wait $!
	[ $? = 143 ] || fail "a killed process ends in another way"
	[ "$(hostname)" = "$(cat /proc/sys/kernel/hostname)" ] || fail "two host names"
	uname -a >/dev/null
	(umask 027; : >$dir/masked)
	[ "$(stat -c %a $dir/masked)" = 640 ] || fail "the mask has no effect"
}

readings() {
	for f in meminfo filesystems uptime loadavg version self/status self/stat self/statm self/maps self/mounts self/fdinfo/0 \
		self/limits locks net/unix net/udp net/sockstat; do
		cat /proc/$f >$dir/reading || fail "cannot read $f"
	done
	grep -q '^MemTotal: ' /proc/meminfo || fail "MemTotal is missing"
	for p in /proc/[0-9]*; do
		cat $p/status $p/stat >/dev/null 2>&1
		ls $p/fd $p/fdinfo >/dev/null 2>&1
	done
}

round=0
while [ $round -lt "${1:-2}" ]; do
	files
	processes
	readings
	"$CASE/identity-workload" || fail "identity-workload fails in round $round"
	round=$((round + 1))
done
rm -rf $dir
echo "identity workload done"
