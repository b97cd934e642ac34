#!/bin/busybox sh
# One of two functions named load_elf_binary is patched and refers to equal names

fail() { echo "$*"; exit 1; }
# A copy of busybox whose ABI version, byte 8 of the identification, is 99.
odd=/tmp/busybox-odd
[ -x $odd ] || { mkdir -p /tmp && cp /bin/busybox $odd; }
printf '\143' | dd of=$odd bs=1 seek=8 conv=notrunc 2>/dev/null

case $1 in
before | after)
	"$odd" true || fail "the odd program does not run"
	;;
during)
	"$odd" true 2>/dev/null && fail "the odd program runs"
	/bin/busybox true || fail "other programs do not run"
	;;
*)
	fail "unknown phase $1"
	;;
esac
