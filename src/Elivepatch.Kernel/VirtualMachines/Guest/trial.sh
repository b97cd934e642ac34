# Tries livepatches, case by case as /job/plan says, one line each:
#
#   NUMBER TRANSITION-SECONDS SCRIPT-SECONDS LIVEPATCH...
#
# A livepatch with a + before its name keeps itself in memory. A case has its folder /job/NUMBER with its script (if any), its files, and
# its modules as modules/POSITION.ko; modules/elivepatch_neutral.ko (if any) is a livepatch that replaces all others and changes nothing,
# modules/elivepatch_again.ko the last module under that name. Modules of the kernel that the livepatches patch are in targets, with what
# they need; targets/list says in which order they are loaded, a line each: NAME, and "patched" or "needed". Every step is a phase: the event "phase WORD [LIVEPATCH]", what it prints, the event "status N". What the statuses mean is decided on the host.

taint() {
    cat /proc/sys/kernel/tainted
}

# begin_phase WORD [LIVEPATCH]
begin_phase() {
    mark phase "$@"
    event phase "$@"
}

end_phase() {
    event status "$1"
    return "$1"
}

# run_script WORD [LIVEPATCH]: what it starts in the background lives on until the case ends.
run_script() {
    [ -f script ] || return 0
    begin_phase "$@"
    timeout -s KILL "$script_seconds" sh ./script "$@" 4<&- 5<&- 9<&-
    end_phase $?
}

# centiseconds: sets now to the uptime.
centiseconds() {
    read -r now _ </proc/uptime
    now=${now%.*}${now#*.}
}

# await SECONDS COMMAND...: asks until the command says yes; false when the time is up.
await() {
    centiseconds
    deadline=$((now + $1 * 100))
    shift
    until "$@"; do
        centiseconds
        [ "$now" -lt "$deadline" ] || return 1
        usleep 50000
    done
}

in_livepatch() {
    { read -r answer <"/sys/kernel/livepatch/$1/$2"; } 2>/dev/null && [ "$answer" = "$3" ]
}

is_settled() {
    in_livepatch "$1" transition 0
}

is_gone() {
    [ ! -d "/sys/kernel/livepatch/$1" ]
}

remove_module() {
    [ ! -d "/sys/module/$1" ] || rmmod "$1" 2>/dev/null
}

# name_blocking_tasks STATE: the tasks that have not gone over to it (0 unpatched, 1 patched; -1 is no transition).
name_blocking_tasks() {
    for task in /proc/[0-9]*/task/[0-9]*; do
        { read -r state <"$task/patch_state"; } 2>/dev/null || continue
        [ "$state" != -1 ] && [ "$state" != "$1" ] || continue
        event blocking "${task##*/}" "$(cat "$task/comm" 2>/dev/null)"
        while read -r frame; do
            event stack "$frame"
        done <"$task/stack"
    done 2>/dev/null
}

in_list() {
    case " $2 " in *" $1 "*) return 0 ;; esac
    return 1
}

reversed() {
    back=
    for name in $1; do
        back="$name $back"
    done
    echo "$back"
}

# The kernel has the module; of one that is built in there is no state.
is_loaded() {
    [ -f "/sys/module/$1/initstate" ]
}

unload() {
    ! is_loaded "$1" || rmmod "$1" 2>/dev/null
}

# probe_targets: which modules this guest can load, and unload again, without any livepatch: a driver may want its hardware. Sets targets
# to those that can be loaded, moving to those of them that can be unloaded; what is needed stays loaded.
probe_targets() {
    patched= needed= targets= moving=
    [ -f targets/list ] || return 0
    begin_phase probe
    while read -r name role; do
        is_loaded "$name" || insmod "targets/$name.ko" 2>/tmp/reason || {
            event untested "$name" "$(tail -n 1 /tmp/reason)"
            continue
        }
        [ "$role" = patched ] && patched="$patched $name" || needed="$needed $name"
    done <targets/list
    targets=$patched
    for name in $(reversed "$patched"); do
        if await 5 unload "$name"; then
            moving="$name $moving"
        else
            event stays "$name"
        fi
    done
    end_phase 0
}

# insert MODULE...
insert() {
    for module in "$@"; do
        is_loaded "$module" && continue
        begin_phase insert "$module"
        insmod "targets/$module.ko"
        end_phase $? || return
    done
}

# remove MODULE...: the last first.
remove() {
    for module in $(reversed "$*"); do
        begin_phase remove "$module"
        await 10 unload "$module"
        end_phase $? || return
    done
}

# check_patched LIVEPATCH: every module that is there and that the livepatch is for is patched. Kernels before 6.1 do not say so.
check_patched() {
    [ -n "$targets" ] || return 0
    begin_phase patched "$1"
    wrong=0
    for module in $targets; do
        { read -r answer <"/sys/kernel/livepatch/$1/$module/patched"; } 2>/dev/null || continue
        is_loaded "$module" && expected_answer=1 || expected_answer=0
        echo "$module: patched is $answer"
        [ "$answer" = "$expected_answer" ] || wrong=1
    done
    end_phase $wrong
}

# reload LIVEPATCH: the modules go and come back while they are patched. Where the kernel cannot undo what it wrote into the livepatch,
# they must not go.
reload() {
    [ -n "$moving" ] || return 0
    if grep -q ' clear_relocate_add$' /proc/kallsyms; then
        remove $moving && check_patched "$1" && insert $moving && check_patched "$1"
        return
    fi
    for module in $moving; do
        begin_phase pinned "$module"
        unload "$module"
        is_loaded "$module"
        end_phase $? || return
    done
}

# load POSITION LIVEPATCH
load() {
    begin_phase load "$2"
    insmod "modules/$1.ko"
    end_phase $? || return
    active="$2 $active"
    begin_phase transition "$2"
    if await "$transition_seconds" is_settled "$2"; then
        end_phase 0
        return
    fi
    name_blocking_tasks 1
    end_phase 1
}

# replace_former LIVEPATCH: after the transition of one that replaces, the former ones are gone; sets replaced to them.
replace_former() {
    replaced=
    former=${active#"$1 "}
    [ -n "$former" ] && ! in_livepatch "$1" replace 0 || return 0
    # Kernels before 6.11 do not say whether a livepatch replaces; if it does not, waiting shows it.
    in_livepatch "$1" replace 1 || await 5 is_gone "${former%% *}" || return 0
    for name in $former; do
        begin_phase replace "$name"
        await 10 is_gone "$name"
        end_phase $? || return
    done
    replaced=$former
    active="$1 "
}

# disable LIVEPATCH
disable() {
    begin_phase disable "$1"
    if is_gone "$1"; then
        echo "there is no /sys/kernel/livepatch/$1"
        end_phase 2
        return
    fi
    echo 0 >"/sys/kernel/livepatch/$1/enabled"
    if await "$transition_seconds" is_gone "$1"; then
        end_phase 0
        return
    fi
    name_blocking_tasks 0
    end_phase 1
}

is_kept() {
    in_list "$1" "$kept"
}

# retire LIVEPATCH...: unloads what is not live any more, and tries in vain where it keeps itself.
retire() {
    for name in "$@"; do
        if is_kept "$name"; then
            begin_phase keep "$name"
            rmmod "$name" 2>&1
            [ -d "/sys/module/$name" ]
        else
            begin_phase unload "$name"
            await 10 remove_module "$name"
        fi
        end_phase $? || return
    done
}

# withdraw LIVEPATCH...: disables and unloads, with the script after both.
withdraw() {
    for livepatch in "$@"; do
        disable "$livepatch" || return
    done
    run_script after
    retire "$@" && run_script after
}

# supersede: the neutral livepatch replaces what is active; then the last livepatch comes back under another name, to be disabled.
supersede() {
    load elivepatch_neutral elivepatch_neutral && replace_former elivepatch_neutral || return
    run_script after
    retire $replaced || return
    run_script after
    disable elivepatch_neutral && retire elivepatch_neutral && remove $moving || return
    load elivepatch_again elivepatch_again && check_patched elivepatch_again && insert $moving && check_patched elivepatch_again || return
    disable elivepatch_again && retire elivepatch_again
}

# A case whose livepatch cannot be brought to an end leaves the guest unfit for the next one.
run_steps() {
    active=
    probe_targets
    # Modules that a livepatch patches come before it and, where there are several, after it; later all of them come after it.
    early=${moving% }
    early=${early% *}
    insert $early && run_script before || return
    position=0
    failed=
    for livepatch in "$@"; do
        position=$((position + 1))
        load $position "$livepatch" && insert $moving && check_patched "$livepatch" && replace_former "$livepatch" && retire $replaced &&
            run_script during "$livepatch" && { [ $position -lt $# ] || reload "$livepatch"; } || { failed=yes; break; }
    done
    if [ -z "$failed" ] && [ -f modules/elivepatch_neutral.ko ]; then
        supersede
    else
        withdraw $active
    fi
    [ -z "$moving$needed" ] || {
        begin_phase remove
        for name in $(reversed "$needed $moving"); do
            unload "$name"
        done
        end_phase 0
    }
}

# end_background: ends what the case's script left running.
end_background() {
    for process in /proc/[0-9]*; do
        id=${process#/proc/}
        [ "$id" -ne 1 ] && [ "$id" -ne "$pump" ] && [ -n "$(tr -d '\0' 2>/dev/null <"$process/cmdline")" ] && kill -KILL "$id"
    done 2>/dev/null
}

# name_remains LIVEPATCH...: what of the livepatches is still in the kernel.
name_remains() {
    for livepatch in "$@"; do
        [ ! -d "/sys/module/$livepatch" ] || is_kept "$livepatch" || event remains "module $livepatch"
        is_gone "$livepatch" || event remains "livepatch $livepatch"
    done
    if grep -q klp_ /sys/kernel/tracing/enabled_functions 2>/dev/null; then
        event remains "ftrace entries of a livepatch"
    fi
}

initial=$(taint)
# Bits that a livepatch is expected to set: K (15), O (12), E (13).
expected=$((1 << 15 | 1 << 12 | 1 << 13))

while read -r number transition_seconds script_seconds livepatches <&9; do
    mark case "$number"
    event case "$number" "$(taint)"
    cd "/job/$number" || break
    kept=
    names=
    for livepatch in $livepatches; do
        names="$names ${livepatch#+}"
        [ "$livepatch" = "${livepatch#+}" ] || kept="$kept ${livepatch#+}"
    done
    livepatches="$names elivepatch_neutral elivepatch_again"
    # Both are made of the last one, and keep themselves if it does.
    ! is_kept "${names##* }" || kept="$kept elivepatch_neutral elivepatch_again"
    run_steps $names
    end_background
    name_remains $livepatches
    event done "$number" "$(taint)"
    mark done "$number"
    remains=
    for livepatch in $livepatches; do
        [ ! -d "/sys/module/$livepatch" ] || remains=yes
    done
    # The host starts a fresh guest for the cases that are left.
    [ -z "$remains" ] && [ $(($(taint) & ~expected)) -eq $((initial & ~expected)) ] || break
done 9</job/plan
