#!/bin/busybox sh
# A new static key with a branch on it

# The first read turns the key on, which shows in the second.
cat /proc/loadavg >/dev/null
case $1 in
during) grep -q '^on$' /proc/loadavg || { echo "the static branch was not turned"; exit 1; } ;;
*) ! grep -q '^on$' /proc/loadavg || { echo "the patched function runs"; exit 1; } ;;
esac
