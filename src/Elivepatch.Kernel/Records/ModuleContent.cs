// In: a module's file as a kernel's build or its distribution leaves it. Out: the module. Compressed ones are unpacked in the
// sandbox, and never more of them than a module may have.
using Elivepatch.Elf;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Records;

/// <summary>
/// The content of a module's file: <c>.ko</c>, <c>.ko.xz</c>, <c>.ko.zst</c> or <c>.ko.gz</c>, told by what is in it
/// (<c>kernel/module/decompress.c</c>). A signature behind the module (<c>scripts/sign-file.c</c>) belongs to nothing in it.
/// </summary>
public static class ModuleContent
{
    /// <summary>Bytes that a module may have; the largest of a stock kernel has 30 MiB.</summary>
    public const int Largest = 64 << 20;

    private static readonly (byte[] Magic, string[] Command, string Package)[] ways =
    [
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], ["xz", "-dc"], "xz-utils"),
        ([0x28, 0xb5, 0x2f, 0xfd], ["zstd", "-dc"], "zstd"),
        ([0x1f, 0x8b], ["gzip", "-dc"], "gzip"),
    ];

    /// <summary>The module in a file.</summary>
    /// <param name="name">The module's name, for messages.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<ReadOnlyMemory<byte>>> ReadAsync(
        string name,
        ReadOnlyMemory<byte> file,
        CancellationToken cancellation
    )
    {
        if (ElfImage.IsImage(file.Span))
        {
            return file.Length <= Largest ? file : TooLarge(name);
        }

        var way = Array.Find(ways, w => file.Span.StartsWith(w.Magic));
        if (way.Command is null)
        {
            return Unreadable(name, "it is neither an ELF file nor one that xz, zstd or gzip has compressed");
        }

        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                // Ends with the first byte too many, and not when all of it is unpacked.
                File = "bash",
                Arguments = ["-o", "pipefail", "-c", $"\"$@\" | head -c {Largest + 1}", "bash", .. way.Command],
                Input = file,
                OutputLimit = Largest,
            },
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return Outcome<ReadOnlyMemory<byte>>.Failure(outcome.Problems);
        }

        return result switch
        {
            { ExitCode: 127 } => new Problem(
                ProcessProblems.ToolMissing,
                $"{way.Command[0]} is not installed (package {way.Package})"
            ),
            { Truncated: true } => TooLarge(name),
            { Succeeded: false } => Unreadable(name, $"{way.Command[0]} cannot unpack it (exit status {result.ExitCode})"),
            _ => result.OutputBytes,
        };
    }

    private static Problem TooLarge(string name) => Unreadable(name, $"it has more than {Largest >> 20} MiB");

    private static Problem Unreadable(string name, string reason) => new(RecordProblems.ModuleUnreadable, $"{name}: {reason}");
}
