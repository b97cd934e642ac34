// In: a boot image. Out: the vmlinux in it and its build-id. The format, which is the processor's, says where the compressed
// kernel lies, its first bytes how it is compressed.

using Elivepatch.Elf;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Records;

/// <summary>A boot image that has been opened.</summary>
/// <param name="Vmlinux">The ELF file that the image carries: segments and sections, without symbols.</param>
/// <param name="BuildId">Its build-id.</param>
public sealed record BootImage(ReadOnlyMemory<byte> Vmlinux, BuildId BuildId)
{
    /// <summary>Most bytes of a boot image. Debian's have 12 to 14 million; one with an initramfs in it has a multiple.</summary>
    public const int Largest = 128 << 20;

    // What Debian's unpack to has 60 million.
    private const int LargestVmlinux = 256 << 20;

    private static readonly (byte[] Magic, string[] Command, string Package)[] Compressions =
    [
        ([0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0], ["xz", "-dc", "--single-stream"], "xz-utils"),
        ([0x28, 0xb5, 0x2f, 0xfd], ["zstd", "-dcq"], "zstd"),
        ([0x1f, 0x8b], ["gzip", "-dcq"], "gzip"),
        ([0x02, 0x21, 0x4c, 0x18], ["lz4", "-dcq"], "lz4"),
        ([0x5d, 0, 0], ["xz", "-dc", "--format=lzma"], "xz-utils"),
        ([(byte)'B', (byte)'Z', (byte)'h'], ["bzip2", "-dcq"], "bzip2"),
        ([0x89, (byte)'L', (byte)'Z', (byte)'O'], ["lzop", "-dcq"], "lzop"),
    ];

    /// <summary>Opens a boot image.</summary>
    public static async Task<Outcome<BootImage>> OpenAsync(ReadOnlyMemory<byte> image, CancellationToken cancellation)
    {
        if (image.Length > Largest)
        {
            return new Problem(RecordProblems.BootImageUnreadable, $"it has {image.Length >> 20} MiB, more than {Largest >> 20}");
        }
        // Formats begin differently, so the image itself says whose it is.
        if (KernelArchitectures.All.Select(a => a.BootImage.Find(image)).FirstOrDefault(f => f is not null) is not { } kernel)
        {
            var formats = KernelArchitectures.All.Select(a => a.BootImage.Name).Distinct();
            return new Problem(RecordProblems.BootImageUnreadable, $"it is no {string.Join(" and no ", formats)}");
        }

        var decompressed = await DecompressAsync(kernel, cancellation);
        if (!decompressed.TryGet(out var vmlinux))
        {
            return Outcome<BootImage>.Failure(decompressed.Problems);
        }

        if (Protocol.Captures.BuildId.Of(vmlinux.Span) is not { } buildId)
        {
            return new Problem(RecordProblems.BootImageUnreadable, "the kernel in it has no build-id");
        }

        return new BootImage(vmlinux, buildId);
    }

    private static async Task<Outcome<ReadOnlyMemory<byte>>> DecompressAsync(
        CompressedKernel kernel,
        CancellationToken cancellation
    )
    {
        var way = Compressions.FirstOrDefault(c => kernel.Content.Span.StartsWith(c.Magic));
        if (way.Command is null)
        {
            return new Problem(RecordProblems.BootImageUnreadable, "the kernel in it is compressed in a way that is not known");
        }

        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                // Ends with the first byte too many, and not when all of it is unpacked: that may be terabytes.
                File = "bash",
                Arguments = ["-o", "pipefail", "-c", $"\"$@\" | head -c {LargestVmlinux + 1}", "bash", .. way.Command],
                // The build appends the decompressed size in four bytes (scripts/Makefile.lib, size_append) except to gzip,
                // which carries it itself. Decompressors that read on after the end would call it rubbish.
                Input = way.Command[0] == "gzip" || !kernel.HasSizeAppended ? kernel.Content : kernel.Content[..^4],
                OutputLimit = LargestVmlinux,
            },
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return Outcome<ReadOnlyMemory<byte>>.Failure(outcome.Problems);
        }

        if (result.ExitCode == 127)
        {
            return new Problem(ProcessProblems.ToolMissing, $"{way.Command[0]} is not installed (package {way.Package})");
        }

        if (result.Truncated)
        {
            return new Problem(RecordProblems.BootImageUnreadable, $"the kernel in it has more than {LargestVmlinux >> 20} MiB");
        }

        if (result.ExitCode != 0 && !ElfImage.IsImage(result.OutputBytes.Span))
        {
            return new Problem(RecordProblems.BootImageUnreadable, $"the kernel in it cannot be decompressed: {Tail(result)}");
        }

        return result.OutputBytes;
    }

    // What it unpacked may be long, and no text.
    private static string Tail(ProcessResult result) =>
        result.ErrorBytes.IsEmpty ? $"exit status {result.ExitCode}" : result.Describe();
}
