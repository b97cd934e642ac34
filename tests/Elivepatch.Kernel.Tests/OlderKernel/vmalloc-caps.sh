case $1 in
during) expected=VMALLOCCHUNK ;;
*) expected=VmallocChunk ;;
esac

grep -i '^VmallocChunk:' /proc/meminfo
grep -q "^$expected:" /proc/meminfo
