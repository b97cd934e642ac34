// In: a command and the few files it may see. Out: what it left. Everything that reads a patch, a configuration or a source
// tree runs here: a Makefile can run any command, a configuration can name any file, and a compiler includes what it is told to.

using System.Globalization;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Processes;

/// <summary>
/// Runs commands under bubblewrap: no network, own process, IPC and host name spaces, no capabilities, an empty environment, a
/// read-only userland, and nothing else of the host but what the request binds. What all of it together may use is bounded too.
/// </summary>
public static class Sandbox
{
    private const string Program = "bwrap";

    /// <summary>
    /// Runs a command; a problem where the sandbox itself cannot be had, a result with any exit status otherwise.
    /// </summary>
    public static async Task<Outcome<ProcessResult>> RunAsync(SandboxRequest request, CancellationToken cancellation)
    {
        if (Executables.Find(Program) is not { } program)
        {
            return new Problem(ProcessProblems.SandboxMissing, $"{Program} is not in the search path");
        }

        var watch = new SandboxWatch(request.Limits, [.. request.Binds.Where(b => b.Writable).Select(b => b.Source)]);
        var result = await ProcessRunner.RunAsync(
            new ProcessRequest
            {
                File = program,
                Arguments = CommandLine(request),
                Input = request.Input,
                Timeout = request.Timeout,
                OutputLimit = request.OutputLimit,
                OnOutputLine = request.OnOutputLine,
                OnErrorLine = request.OnErrorLine,
            },
            watch.RunAsync,
            cancellation
        );
        if (watch.Finding is { } finding)
        {
            return new Problem(ProcessProblems.SandboxLimitExceeded, $"{request.File}: {finding}");
        }

        if (result.ExitCode != 0 && result.Error.StartsWith("bwrap: ", StringComparison.Ordinal))
        {
            return new Problem(ProcessProblems.SandboxFailed, result.Describe());
        }

        return result;
    }

    /// <summary>Runs a command that has to succeed.</summary>
    /// <param name="request">The command.</param>
    /// <param name="purpose">What it is for, as in "unpacking the source", for the reason of the problem.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<ProcessResult>> RunSuccessfullyAsync(
        SandboxRequest request,
        string purpose,
        CancellationToken cancellation
    )
    {
        var outcome = await RunAsync(request, cancellation);
        if (!outcome.TryGet(out var result) || result.Succeeded)
        {
            return outcome;
        }

        return new Problem(ProcessProblems.ToolFailed, $"{purpose}: {request.File} ended with {result.Describe()}");
    }

    private static List<string> CommandLine(SandboxRequest request)
    {
        List<string> words =
        [
            "--unshare-user-try",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--hostname",
            "sandbox",
            "--die-with-parent",
            "--cap-drop",
            "ALL",
            "--clearenv",
        ];
        if (!request.SharesNetwork)
        {
            words.Add("--unshare-net");
        }

        foreach (var (name, value) in request.Environment)
        {
            words.AddRange(["--setenv", name, value]);
        }

        words.AddRange(request.Userland.MountWords());
        // /dev itself is a file system in memory as well, and one without a bound.
        var space = Text(request.Limits.TemporarySpace);
        words.AddRange(["--proc", "/proc", "--dev", "/dev", "--size", space, "--tmpfs", "/dev/shm"]);
        foreach (var device in request.Devices)
        {
            words.AddRange(["--dev-bind", device, device]);
        }

        words.AddRange(["--remount-ro", "/dev"]);
        words.AddRange(["--size", space, "--tmpfs", "/tmp"]);
        foreach (var bind in request.Binds)
        {
            words.AddRange([bind.Writable ? "--bind" : "--ro-bind", bind.Source, bind.Target]);
        }

        words.AddRange(["--remount-ro", "/", "--chdir", request.WorkingDirectory, "--"]);
        words.AddRange(Limits(request.Limits));
        words.Add(request.File);
        words.AddRange(request.Arguments);
        return words;
    }

    private static IEnumerable<string> Limits(SandboxLimits limits) =>
        [
            "/usr/bin/prlimit",
            $"--as={Text(limits.AddressSpace)}",
            $"--cpu={Text((long)limits.ProcessorTime.TotalSeconds)}",
            $"--fsize={Text(limits.FileSize)}",
            $"--nproc={Text(limits.Processes)}",
            "--core=0",
            "--",
        ];

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
