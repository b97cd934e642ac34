#!/bin/busybox sh
# A function goes into the livepatch because the author says so

fail() { echo "$*"; exit 1; }
info=$("$CASE/eventfd-info") || fail "no eventfd"
echo "$info" | grep -q "^eventfd-count: *7$" || fail "$info"
grep -q "^MemTotal:" /proc/meminfo || fail "no MemTotal"
