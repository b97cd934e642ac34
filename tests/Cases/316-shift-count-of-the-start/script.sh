#!/bin/busybox sh
# A shift whose count the kernel wrote into its code is by the same count in the livepatch

fail() { echo "$*"; exit 1; }

if [ "$1" = before ]; then
	mkdir names || fail "cannot make a folder"
	for i in 1 2 3 4 5 6 7 8 9; do
		for j in 1 2 3 4 5 6 7 8 9; do
			: >"names/file-$i-$j" || fail "cannot make a file"
		done
	done
	: >names/never-seen
fi
for i in 1 2 3 4 5 6 7 8 9; do
	for j in 1 2 3 4 5 6 7 8 9; do
		[ -e "names/file-$i-$j" ] || fail "file-$i-$j is not found"
	done
done
case $1 in
before | after)
	[ -e names/never-seen ] || fail "never-seen is not found"
	;;
during)
	[ ! -e names/never-seen ] || fail "never-seen is found"
	;;
*)
	fail "unknown phase $1"
	;;
esac
