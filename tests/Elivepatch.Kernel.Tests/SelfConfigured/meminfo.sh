grep -q '^OwnPages:' /proc/meminfo || exit 1
case $1 in
during) grep '^VMALLOCCHUNK:' /proc/meminfo ;;
*) grep '^VmallocChunk:' /proc/meminfo ;;
esac
