// In: the machine's files. Out: what its settings say of livepatches, before anybody is asked to build one. What is certain to
// stop one is a refusal; that the kernel insists on signed modules is only worth a word, for the server may well sign with a key
// that it trusts.

using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>Settings of the running kernel that livepatches depend on.</summary>
public sealed class KernelSettings(MachineFiles files)
{
    /// <summary>Why the kernel takes no livepatch at all; null where its settings do not say so.</summary>
    public Problem? Check() => CheckModules() ?? CheckFtrace();

    /// <summary>Why it loads no module; null where that is not off.</summary>
    public Problem? CheckModules() =>
        files.ReadText("proc/sys/kernel/modules_disabled") == "1"
            ? new(
                MachineProblems.KernelForbidsLivepatches,
                "kernel.modules_disabled is 1: no more modules can be loaded",
                "Find what sets it (sysctl.d, a hardening script), and restart the machine without it: it cannot be set back."
            )
            : null;

    /// <summary>
    /// Why it diverts no function; null where ftrace is on. The kernel answers EBUSY then, as it does to much else.
    /// </summary>
    public Problem? CheckFtrace() =>
        files.ReadText("proc/sys/kernel/ftrace_enabled") == "0"
            ? new(
                MachineProblems.KernelForbidsLivepatches,
                "kernel.ftrace_enabled is 0: no function can be diverted",
                "Turn it on (sysctl kernel.ftrace_enabled=1), and find out who turned it off."
            )
            : null;

    /// <summary>
    /// What makes the kernel insist on modules that a key which it trusts has signed; empty where nothing does.
    /// </summary>
    public string InsistsOnSignatures =>
        string.Join(
            " and ",
            new[]
            {
                files.ReadText("sys/module/module/parameters/sig_enforce") == "Y" ? "module.sig_enforce" : null,
                Lockdown is { } level ? $"lockdown ({level})" : null,
            }.OfType<string>()
        );

    // `none [integrity] confidentiality`: integrity alone takes no unsigned module (LOCKDOWN_MODULE_SIGNATURE of
    // include/linux/security.h); confidentiality is more of the same. /proc/kallsyms is subject to neither.
    private string? Lockdown =>
        files.ReadText("sys/kernel/security/lockdown")?.Split(' ').FirstOrDefault(w => w is ['[', .., ']'])?[1..^1] switch
        {
            "none" => null,
            var chosen => chosen,
        };
}
