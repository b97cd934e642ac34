// In: a kernel's boot image. Out: what only the booted kernel tells, above all its symbols, which the packages do not carry.

using System.Text;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Import;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Boots a kernel once to read its own account of itself.</summary>
public static class KernelBoot
{
    private const int FewestSymbols = 1000;

    private const string Script = """
        set -e
        echo 0 >/proc/sys/kernel/kptr_restrict
        uname -r >/out/release
        cat /proc/version >/out/version
        cat /sys/kernel/notes >/out/notes
        cat /proc/kallsyms >/out/kallsyms
        """;

    /// <summary>Boots the image and reads its symbols and names.</summary>
    public static async Task<Outcome<BootFacts>> ReadFactsAsync(
        KernelArchitecture architecture,
        string kernel,
        CancellationToken cancellation
    )
    {
        var run = await VirtualMachine.RunAsync(
            new GuestJob
            {
                Architecture = architecture,
                Kernel = kernel,
                Script = Script,
                KernelArguments = ["mitigations=off"],
            },
            cancellation
        );
        return run.Then(result => result.RequireSuccess()).Then(Read);
    }

    private static Outcome<BootFacts> Read(GuestResult result)
    {
        if (
            !result.Files.TryGetValue("kallsyms", out var kallsyms)
            || !result.Files.TryGetValue("notes", out var notes)
            || BuildId.Find(notes.Span) is not { } buildId
            || Line(result, "release") is not { } release
            || Line(result, "version") is not { } version
        )
        {
            return new Problem(VirtualMachineProblems.GuestAnswerMalformed, "it has no symbols, no build-id or no release");
        }

        if (!version.Contains($" {release} ", StringComparison.Ordinal))
        {
            return new Problem(
                VirtualMachineProblems.GuestAnswerMalformed,
                $"the release '{release}' is not that of '{version}'"
            );
        }

        if (kallsyms.Span.Count((byte)'\n') < FewestSymbols)
        {
            return new Problem(
                VirtualMachineProblems.GuestAnswerMalformed,
                $"/proc/kallsyms has fewer than {FewestSymbols} lines"
            );
        }

        return new BootFacts(release, version, buildId.Hex, kallsyms);
    }

    private static string? Line(GuestResult result, string file) =>
        result.Files.TryGetValue(file, out var bytes) && Encoding.UTF8.GetString(bytes.Span).Trim() is { Length: > 0 } text
            ? text
            : null;
}
