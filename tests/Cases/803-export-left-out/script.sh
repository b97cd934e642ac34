#!/bin/busybox sh
# A new export is left out where the author says so

fail() { echo "$*"; exit 1; }
grep -q "__ksymtab_loadavg_of_now" /proc/kallsyms && fail "the symbol is exported"
running=$(cut -d" " -f4 /proc/loadavg | cut -d/ -f1)
case $1 in
before | after)
	[ "$running" -lt 5000 ] || fail "$running run"
	;;
during)
	[ "$running" -ge 5000 ] || fail "only $running run"
	;;
*)
	fail "unknown phase $1"
	;;
esac
