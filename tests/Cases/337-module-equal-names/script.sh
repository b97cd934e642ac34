#!/bin/busybox sh
# One of the two metadata_show of md_mod, and the size limit of a loop device, count how often they are called

fail() { echo "$*"; exit 1; }

clean_up() {
	losetup -d /dev/loop0
	[ -z "$md" ] || echo clear >$md/array_state
}
trap clean_up EXIT

attach() {
	dd if=/dev/zero of=/tmp/disk bs=4096 count=4 2>/dev/null
	losetup /dev/loop0 /tmp/disk || fail "no loop device"
	loop=/sys/block/loop0/loop
	# Before the livepatch only loop is loaded.
	[ -f /sys/module/md_mod/initstate ] || return 0
	# Each time an array of another name: the former one may not be quite gone.
	array=md_$1$$
	echo $array >/sys/module/md_mod/parameters/new_array || fail "no array"
	md=/sys/block/$array/md
	shows $md/metadata_version none
}

shows() { [ "$(cat "$1")" = "$2" ] || fail "$1 is '$(cat "$1")', not '$2'"; }

md=
attach "$1"
case $1 in
before | after)
	[ -z "$md" ] || shows $md/bitmap/metadata internal
	shows $loop/sizelimit 0
	;;
during)
	shows $md/bitmap/metadata "1 internal"
	shows $loop/sizelimit "100 0"
	shows $md/bitmap/metadata "2 internal"
	shows $loop/sizelimit "200 0"
	shows $md/metadata_version none
	;;
*)
	fail "unknown phase $1"
	;;
esac
