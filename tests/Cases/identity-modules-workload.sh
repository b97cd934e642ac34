#!/bin/busybox sh
# Exercises the modules of identity-modules.json, those of them that are loaded. Prints the first thing that is not as it should be
# and exits with status 1; prints one line at the end if all is.

fail() { echo "$*"; exit 1; }
has() { [ -f "/sys/module/$1/initstate" ]; }

dir=/tmp/identity
rm -rf $dir
mkdir -p $dir
ip link set lo up || fail "no loopback"

# same DEVICE: what is written to it is read from it.
same() {
	dd if=/dev/urandom of=$dir/written bs=4k count=64 2>/dev/null
	dd if=$dir/written of="$1" bs=4k conv=fsync 2>/dev/null || fail "cannot write to $1"
	dd if="$1" of=$dir/read bs=4k count=64 2>/dev/null
	cmp $dir/written $dir/read || fail "$1 loses data"
}

loops() {
	dd if=/dev/zero of=$dir/disk bs=64k count=8 2>/dev/null
	losetup /dev/loop1 $dir/disk || fail "no loop device"
	for attribute in backing_file offset sizelimit autoclear partscan dio; do
		cat /sys/block/loop1/loop/$attribute >/dev/null || fail "$attribute cannot be read"
	done
	same /dev/loop1
	losetup -a | grep -q "loop1:.*$dir/disk" || fail "the loop device is not listed"
	losetup -d /dev/loop1
	losetup -r -o 4096 /dev/loop2 $dir/disk || fail "no loop device with an offset"
	[ "$(cat /sys/block/loop2/loop/offset)" = 4096 ] || fail "another offset"
	[ "$(blockdev --getsize64 /dev/loop2)" = 520192 ] || fail "another size"
	losetup -d /dev/loop2
}

configurations() {
	mkdir $dir/config
	mount -t configfs none $dir/config || fail "no configfs"
	if has null_blk; then
		mkdir $dir/config/nullb/own || fail "no configured device"
		echo 64 >$dir/config/nullb/own/size
		echo 1 >$dir/config/nullb/own/memory_backed
		[ "$(cat $dir/config/nullb/own/size)" = 64 ] || fail "the size is not kept"
		ls -lR $dir/config >/dev/null
		echo 1 >$dir/config/nullb/own/power || fail "the device cannot be switched on"
		same /dev/own
		echo 0 >$dir/config/nullb/own/power
		rmdir $dir/config/nullb/own || fail "the device stays"
	fi
	umount $dir/config || fail "configfs stays"
}

formats() {
	mkdir $dir/formats
	mount -t binfmt_misc none $dir/formats || fail "no binfmt_misc"
	echo ':own:M::OWNFORMAT::/bin/busybox:' >$dir/formats/register || fail "no format"
	grep -q 'interpreter /bin/busybox' $dir/formats/own || fail "the format is not there"
	echo -1 >$dir/formats/own
	[ ! -e $dir/formats/own ] || fail "the format stays"
	umount $dir/formats || fail "binfmt_misc stays"
}

overlays() {
	mkdir $dir/layers
	mount -t tmpfs none $dir/layers || fail "no tmpfs"
	(
		cd $dir/layers || fail "no layers"
		mkdir lower upper work all
		mkdir lower/folder
		for number in 1 2 3 4 5 6 7 8; do
			echo "line $number" >lower/file$number
			echo "line $number" >lower/folder/file$number
		done
		ln -s file1 lower/link
		mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work all || fail "no overlay"
		[ "$(cat all/link)" = "line 1" ] || fail "the link leads elsewhere"
		echo more >>all/file1
		[ "$(wc -l <upper/file1)" = 2 ] && [ "$(wc -l <lower/file1)" = 1 ] || fail "the file is not copied up"
		rm all/file2
		[ ! -e all/file2 ] && [ -c upper/file2 ] || fail "the removed file is there"
		mv all/file3 all/moved
		chmod 600 all/file4
		ln all/file5 all/hard
		mkdir all/new
		cp all/folder/* all/new
		rm -r all/folder
		mkdir all/folder
		[ -z "$(ls all/folder)" ] || fail "what was removed is there again"
		mknod all/null c 1 3
		ln -s new all/symbolic
		[ "$(ls all | wc -l)" = 13 ] || fail "the overlay lists $(ls all | wc -l) names"
		find all -type f -exec cat {} + >/dev/null
		stat -f all >/dev/null
		umount all || fail "the overlay stays"
	) || exit 1
	umount $dir/layers || fail "tmpfs stays"
}

networks() {
	has dummy || return
	ip link add own0 type dummy || fail "no dummy"
	ip addr add 192.0.2.1/24 dev own0
	ip link set own0 up
	if has veth; then
		ip link add own1 type veth || fail "no veth"
		peer=$(ip link show own1 | sed -n 's/.*own1@\([a-z0-9]*\).*/\1/p')
		ip link set own1 up
		[ -z "$peer" ] || ip link set "$peer" up
	fi
	if has macvlan; then
		ip link add link own0 name own2 type macvlan || fail "no macvlan"
		ip link set own2 up
	fi
	if has bridge; then
		brctl addbr own3 || fail "no bridge"
		! has veth || brctl addif own3 own1 || fail "the bridge takes no device"
		ip link set own3 up
		ip addr add 198.51.100.1/24 dev own3
		brctl show >/dev/null
		cat /sys/class/net/own3/bridge/* >/dev/null 2>&1
		ping -c 1 -W 1 198.51.100.2 >/dev/null
	fi
	if has 8021q; then
		vconfig add own0 5 >/dev/null || fail "no VLAN"
		ip link set own0.5 up
		cat /proc/net/vlan/own0.5 >/dev/null || fail "the VLAN is not listed"
	fi
	ping -c 1 -W 1 192.0.2.2 >/dev/null
	ip -s link >/dev/null
	! has 8021q || vconfig rem own0.5 >/dev/null || fail "the VLAN stays"
	! has bridge || { ip link set own3 down && brctl delbr own3; } || fail "the bridge stays"
	! has macvlan || ip link del own2 || fail "macvlan stays"
	! has veth || ip link del own1 || fail "veth stays"
	ip link del own0 || fail "dummy stays"
}

arrays() {
	array=md_own$$
	echo $array >/sys/module/md_mod/parameters/new_array || fail "no array"
	cat /sys/block/$array/md/bitmap/* >/dev/null 2>&1
	[ "$(cat /sys/block/$array/md/bitmap/metadata)" = internal ] || fail "another kind of bitmap"
	echo clear >/sys/block/$array/md/array_state || fail "the array stays"
}

! has loop || loops
! has brd || same /dev/ram1
! has configfs || configurations
! has binfmt_misc || formats
! has overlay || overlays
! has md_mod || arrays
networks
rm -rf $dir
echo "identity workload done"
