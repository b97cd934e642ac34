case $1 in
during) ! head -c 8 /dev/urandom >/dev/null ;;
*) [ "$(head -c 8 /dev/urandom | wc -c)" = 8 ] ;;
esac
