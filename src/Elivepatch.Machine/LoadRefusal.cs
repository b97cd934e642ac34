// In: the errno of finit_module(2), what the kernel wrote about it, and the machine. Out: the cause, and what to do about that
// one. The same errno stands for several causes; the kernel's files and the lines that it has just logged tell them apart. Where
// they do not, the lines themselves are the reason.

using System.Text.RegularExpressions;
using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>Explains why the kernel does not load a module.</summary>
/// <param name="files">The machine's files.</param>
/// <param name="module">Name of the module.</param>
/// <param name="isSigned">True where a signature is appended to it.</param>
public sealed partial class LoadRefusal(MachineFiles files, string module, bool isSigned)
{
    private const int MostLines = 8;
    private const int MostProbes = 10;

    /// <summary>What the kernel appends a module's signature with, <c>include/linux/module_signature.h</c>.</summary>
    public static ReadOnlySpan<byte> SignatureMark => "~Module signature appended~\n"u8;

    /// <summary>Explains it.</summary>
    /// <param name="error">The errno.</param>
    /// <param name="log">The lines that the kernel has logged since the module was given to it.</param>
    public Problem Explain(int error, IReadOnlyList<string> log)
    {
        var settings = new KernelSettings(files);
        return error switch
        {
            KernelCalls.NotPermitted or KernelCalls.KeyMissing or KernelCalls.KeyRejected or KernelCalls.BadMessage =>
                settings.CheckModules() ?? Unsigned(error, settings, log),
            KernelCalls.Busy or KernelCalls.WouldBlock => settings.CheckFtrace()
                ?? InTransition()
                ?? Diverted(error, log)
                ?? Other(error, log),
            KernelCalls.NoMemory => new(
                MachineProblems.KernelBusy,
                Text(error, log),
                "Free memory, then run the same command again: the kernel needs some for the module and for the transition of each task."
            ),
            KernelCalls.NotExecutable => Other(error, log) with
            {
                CaseRemedy =
                    "Tell the server's operator its name and `uname -rv`: it is not for this kernel (the lines name vermagic "
                    + "or a symbol).",
            },
            KernelCalls.AlreadyThere => new(MachineProblems.ModuleNameTaken, module),
            _ => Other(error, log),
        };
    }

    // The kernel asks for a signature only where its settings say so. Without that, EPERM is of a container, or of a security
    // module.
    private Problem Unsigned(int error, KernelSettings settings, IReadOnlyList<string> log)
    {
        var insists = settings.InsistsOnSignatures;
        if (error == KernelCalls.BadMessage || (error == KernelCalls.NotPermitted && insists.Length == 0))
        {
            return Other(error, log) with
            {
                CaseRemedy =
                    error == KernelCalls.BadMessage
                        ? "Tell the server's operator: the appended signature is malformed."
                        : "Run the command on the machine itself: root in a container, or under a security module, may not load modules.",
            };
        }

        var what = isSigned ? "it is signed, but not by a key that this kernel trusts" : "it is not signed";
        var why = insists.Length > 0 ? insists : "the kernel's configuration (CONFIG_MODULE_SIG_FORCE)";
        return Other(error, log) with
        {
            Reason = $"{module}: {KernelCalls.Describe(error)}: {what}, and {why} takes no other{Lines(log)}",
            CaseRemedy =
                "Have the server's operator sign modules with a key that this kernel trusts (setting moduleKey), or enrol "
                + "that key here (mokutil --import, if the kernel trusts machine owner keys).",
        };
    }

    private Problem? InTransition() =>
        new LoadedLivepatches(files).List().FirstOrDefault(l => l.IsInTransition && l.Name != module) is { } moving
            ? new(
                MachineProblems.LivepatchUnchangeable,
                $"{moving.Name} is in transition, and the kernel starts no other before it has completed"
            )
            : null;

    // ftrace lets one owner change where a function returns to (FTRACE_OPS_FL_IPMODIFY): a livepatch, a kprobe with a
    // post_handler (kernel/kprobes.c, kprobe_ipmodify_ops), or a BPF program that takes the function's place.
    private Problem? Diverted(int error, IReadOnlyList<string> log)
    {
        var functions = log.Select(l => Handler().Match(l))
            .Where(m => m.Success)
            .Select(m => m.Groups["name"].Value)
            .Distinct()
            .ToList();
        if (functions.Count == 0)
        {
            return null;
        }

        var probes = Probes(functions);
        var owners = probes.Count > 0 ? probes : Owners(functions);
        return new(
            MachineProblems.KernelBusy,
            string.Join(
                '\n',
                owners.Prepend(
                    $"{module}: {KernelCalls.Describe(error)}: already diverted by something else: {string.Join(", ", functions)}"
                )
            ),
            probes.Count > 0
                ? "Remove the kprobe with a post handler that holds the function (unload the module or end the tool that set it), then "
                    + "run the same command again."
                : "End the tool that traces or replaces the function (a BPF program, a tracer), then run the same command again."
        );
    }

    // `ffffffff81509c14  k  meminfo_proc_show+0x4    [FTRACE]`, with the object's name behind the symbol where it is of a module.
    // What the tracer names `GROUP/EVENT` tells whose it is.
    private List<string> Probes(IReadOnlyList<string> functions)
    {
        var events = files
            .ReadLines("sys/kernel/tracing/kprobe_events")
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(w => w.Length > 1 && functions.Contains(Function(w[1])))
            .Select(w => $"  tracing event {w[0]} {w[1]}");
        var probes = files
            .ReadLines("sys/kernel/debug/kprobes/list")
            .Select(l => l.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(w => w.Length > 2 && functions.Contains(Function(w[2])))
            .Select(w => $"  {(w[1] == "r" ? "return probe" : "kprobe")} at {string.Join(' ', w[2..])}");
        return [.. probes.Take(MostProbes), .. events.Take(MostProbes)];
    }

    // `meminfo_proc_show (1) R I     ->kprobe_ftrace_handler+0x0/0x1d0`: I is who has diverted it.
    private List<string> Owners(IReadOnlyList<string> functions) =>
        [
            .. files
                .ReadLines("sys/kernel/tracing/enabled_functions")
                .Where(l => functions.Any(f => l.StartsWith(f + " (", StringComparison.Ordinal)))
                .Select(l => $"  ftrace: {Blanks().Replace(l, " ")}")
                .Take(MostProbes),
        ];

    private Problem Other(int error, IReadOnlyList<string> log) => new(MachineProblems.ModuleRefused, Text(error, log));

    private string Text(int error, IReadOnlyList<string> log) => $"{module}: {KernelCalls.Describe(error)}{Lines(log)}";

    private static string Lines(IReadOnlyList<string> log) =>
        log.Count > 0 ? "; the kernel says\n" + string.Join('\n', log.TakeLast(MostLines)) : "; the kernel says no more";

    private static string Function(string place) => place.Split('+')[0].Split(':')[^1];

    [GeneratedRegex(@"failed to register ftrace handler for function '(?<name>[^']{1,511})'")]
    private static partial Regex Handler();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
