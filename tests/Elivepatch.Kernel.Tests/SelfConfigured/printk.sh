count() { dmesg | grep -c "$1"; }
old=$(count '): drop_caches: ') new=$(count ']: drop_caches: ') notice=$(count 'caches are dropped')
echo 1 >/proc/sys/vm/drop_caches
old=$(($(count '): drop_caches: ') - old)) new=$(($(count ']: drop_caches: ') - new)) notice=$(($(count 'caches are dropped') - notice))
echo "$old old, $new new, $notice notice"
case $1 in
during) [ "$old $new $notice" = '0 1 1' ] ;;
*) [ "$old $new $notice" = '1 0 0' ] ;;
esac
