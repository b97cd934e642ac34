# A machine on which other things than a livepatch are at work too. /job/settings names the server; the test's own lines follow.
. /job/settings
mkdir -p /lib64 /boot /root
ln -s /job/lib/ld-linux-x86-64.so.2 /lib64/
cp config "/boot/config-$(uname -r)"
export HOME=/root
umask 077

elivepatch() {
    LD_LIBRARY_PATH=/job/lib /job/elivepatch "$@" 2>&1
}

fail() {
    echo "FAILED: $*"
    dmesg | tail -n 30
    exit 1
}

# must WORD...: a command of ours that has to succeed.
must() {
    echo "# $*"
    "$@" || fail "'$*': status $?"
}

# sees PATTERN FILE: the file has such a line now.
sees() {
    grep -q "$1" "$2" || fail "expected $1 in $2, which says: $(head -n 3 "$2")"
}

must elivepatch trust --server "$server" --allow-http --key "$key" --token-file token
