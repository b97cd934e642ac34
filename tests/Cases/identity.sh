#!/bin/busybox sh
# Runs the workload before, during and after; while the livepatch is loaded, with the function tracer on its functions alone, to
# count those of them that run.

fail() { echo "$*"; exit 1; }

tracing=/sys/kernel/tracing
workload() { sh "$CASE/identity-workload.sh" 1 || exit 1; }

case $1 in
before | after)
	workload
	;;
during)
	echo "*:mod:$2" >$tracing/set_ftrace_filter || fail "the functions of $2 cannot be traced"
	echo 16384 >$tracing/buffer_size_kb
	echo 0 >$tracing/tracing_on
	echo function >$tracing/current_tracer || fail "there is no function tracer"
	# While somebody reads the trace, the tracer cannot be changed.
	"$CASE/identity-reached" &
	reader=$!
	echo $reader >$tracing/set_ftrace_notrace_pid || fail "the reader cannot be left out of the trace"
	echo 1 >$tracing/tracing_on
	workload
	echo 0 >$tracing/tracing_on
	kill -TERM $reader
	wait $reader || fail "the trace cannot be read"
	echo nop >$tracing/current_tracer
	echo >$tracing/set_ftrace_filter
	echo >$tracing/set_ftrace_notrace_pid
	;;
*)
	fail "unknown phase $1"
	;;
esac
