#!/bin/busybox sh
# For `elivepatch try`: shows the line of /proc/meminfo and fails where it is not the one that the phase should have.

case $1 in
during) expected=VMALLOCCHUNK ;;
*) expected=VmallocChunk ;;
esac

grep -i '^VmallocChunk:' /proc/meminfo
grep -q "^$expected:" /proc/meminfo
