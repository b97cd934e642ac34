namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>
/// Takes out of a guest what a capture reads on a machine. Run it as a job's script, write the files below a folder with
/// <see cref="GuestResult.WriteFiles"/>, and that folder stands for the root of the machine.
/// </summary>
public static class GuestCapture
{
    /// <summary>The script.</summary>
    public const string Script = """
        copy() {
            for file in "$@"; do
                [ -f "$file" ] || continue
                mkdir -p "/out${file%/*}"
                cat "$file" >"/out$file" 2>/dev/null || rm -f "/out$file"
            done
        }
        echo 0 >/proc/sys/kernel/kptr_restrict
        copy /proc/kallsyms /proc/config.gz /proc/version /proc/modules /proc/cmdline
        copy /proc/sys/kernel/osrelease /proc/sys/kernel/version /proc/sys/kernel/tainted /proc/sys/kernel/arch
        copy /sys/kernel/notes /sys/module/*/notes/.note* /sys/module/*/notes/* /sys/module/*/srcversion /sys/module/*/taint
        copy /sys/kernel/livepatch/*/enabled /sys/kernel/livepatch/*/transition /sys/kernel/livepatch/*/replace
        copy /job/boot/*
        [ ! -d /out/job/boot ] || mv /out/job/boot /out/boot
        """;
}
