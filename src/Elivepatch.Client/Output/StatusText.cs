using Elivepatch.Machine;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Output;

/// <summary>How the machine is, as people read it.</summary>
internal static class StatusText
{
    private const int MostFunctions = 10;

    /// <summary>Writes it.</summary>
    public static void Write(TextWriter output, StatusReport status)
    {
        output.WriteLine($"kernel {Printable.Escape(status.Release)}, build-id {status.BuildId}");
        if (!status.CanBeLivePatched)
        {
            output.WriteLine("it cannot be live patched: there is no /sys/kernel/livepatch");
        }
        else if (status.Livepatches.Count == 0)
        {
            output.WriteLine("no livepatch is loaded");
        }

        foreach (var livepatch in status.Livepatches)
        {
            Write(output, livepatch);
        }

        if (status.NotLive.Count > 0)
        {
            output.WriteLine(
                Printable.Escape(
                    $"not live since the machine restarted: {string.Join(", ", status.NotLive.Select(p => p.Name))}; the next `elivepatch patch` carries them"
                )
            );
        }

        output.WriteLine(
            status.Boot switch
            {
                "on" => "loading at boot is on",
                "suspended" =>
                    "loading at boot is suspended: the machine went down soon after it, twice; `elivepatch persist` turns it on again",
                _ => "loading at boot is off",
            }
        );
        foreach (var problem in status.Problems)
        {
            output.WriteLine(Printable.Escape($"{problem.Code} {problem.Title}: {problem.Reason}"));
        }
    }

    private static void Write(TextWriter output, LivepatchStatus livepatch)
    {
        var origin = livepatch.IsOurs
            ? livepatch.Server is { } server
                ? $"by {server}"
                : "of elivepatch"
            : "of another origin";
        output.WriteLine(
            Printable.Escape(
                $"{livepatch.Name}: {livepatch.State}, {origin}{(livepatch.IsPersisted ? ", loaded again at boot" : "")}"
            )
        );
        if (livepatch.Withdrawn is { } withdrawn)
        {
            output.WriteLine(Printable.Escape($"  WITHDRAWN: {withdrawn.Describe()}"));
            output.WriteLine(Printable.Escape($"  {withdrawn.Remedy}"));
        }

        foreach (var patch in livepatch.Patches)
        {
            output.WriteLine(Printable.Escape($"  patch {patch.Name} ({patch.Sha256[..Math.Min(12, patch.Sha256.Length)]})"));
        }

        StatementText.Write(output, livepatch.Statements, indent: 2);
        foreach (var function in livepatch.Functions.Take(MostFunctions))
        {
            output.WriteLine(Printable.Escape($"  function {function}"));
        }

        if (livepatch.Functions.Count > MostFunctions)
        {
            output.WriteLine($"  and {livepatch.Functions.Count - MostFunctions} more functions");
        }

        foreach (var module in livepatch.Modules)
        {
            output.WriteLine(Printable.Escape($"  module {module.Name}: {Describe(module.State)}"));
            if (module.IsReplacedOnDisk)
            {
                output.WriteLine("    the file that is installed now is another build, and cannot be loaded while this is live");
            }
        }

        if (livepatch.StaysInMemory)
        {
            output.WriteLine("  stays in memory until the machine restarts: it can be disabled and replaced, and not unloaded");
        }

        foreach (var reason in livepatch.KeptInMemory.Take(MostFunctions))
        {
            output.WriteLine(Printable.Escape($"    {reason}"));
        }

        if (livepatch.State is "going live" or "going away")
        {
            WriteTransition(output, livepatch);
        }
    }

    private static string Describe(PatchedModuleState state) =>
        state switch
        {
            PatchedModuleState.Patched => "patched",
            PatchedModuleState.Waiting => "not loaded; it is patched when it is",
            PatchedModuleState.Absent => "not installed here",
            _ => "loaded and NOT patched; the kernel's log says why",
        };

    private static void WriteTransition(TextWriter output, LivepatchStatus livepatch)
    {
        output.WriteLine(
            $"  {livepatch.BlockingCount} {(livepatch.BlockingCount == 1 ? "task has" : "tasks have")} not switched yet"
        );
        foreach (var line in new BlockingTasks(livepatch.BlockingCount, livepatch.Blocking).Lines())
        {
            output.WriteLine(Printable.Escape($"    {line}"));
        }

        output.WriteLine(
            Printable.Escape(
                livepatch.State == "going live"
                    ? $"  they switch when they return to user space; `elivepatch disable {livepatch.Name}` reverses the transition"
                    : $"  they switch when they return to user space; `elivepatch enable {livepatch.Name}` reverses the transition"
            )
        );
    }
}
