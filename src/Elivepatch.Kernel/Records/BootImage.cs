// In: a bzImage. Out: the vmlinux in it and its build-id. The setup header says where the compressed kernel lies
// (Documentation/arch/x86/boot.rst: payload_offset, payload_length, from protocol 2.08), its first bytes how it is compressed.

using System.Buffers.Binary;
using Elivepatch.Elf;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Records;

/// <summary>A boot image that has been opened.</summary>
/// <param name="Vmlinux">The ELF file that the image carries: segments and sections, without symbols.</param>
/// <param name="BuildId">Its build-id.</param>
/// <param name="KernelVersion">The version text of the setup header: release, builder, number and date of the build.</param>
public sealed record BootImage(ReadOnlyMemory<byte> Vmlinux, BuildId BuildId, string KernelVersion)
{
    /// <summary>Most bytes of a boot image. Debian's have 12 to 14 million; one with an initramfs in it has a multiple.</summary>
    public const int Largest = 128 << 20;

    // What Debian's unpack to has 60 million.
    private const int LargestVmlinux = 256 << 20;
    private const int SetupSectors = 0x1f1;
    private const int Magic = 0x202;
    private const int ProtocolVersion = 0x206;
    private const int VersionText = 0x20e;
    private const int PayloadOffset = 0x248;
    private const int PayloadLength = 0x24c;
    private const int HeaderEnd = 0x268;
    private const int Sector = 512;

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
            return new Problem(RecordProblems.BootImageUnreadable, $"it has {image.Length >> 20} MiB, more than {Largest >> 20}");
        if (Payload(image) is not { } payload)
            return new Problem(RecordProblems.BootImageUnreadable, "it has no setup header of protocol 2.08 or later");
        var decompressed = await DecompressAsync(payload, cancellation);
        if (!decompressed.TryGet(out var vmlinux))
            return Outcome<BootImage>.Failure(decompressed.Problems);
        if (Records.BuildId.Of(vmlinux.Span) is not { } buildId)
            return new Problem(RecordProblems.BootImageUnreadable, "the kernel in it has no build-id");
        return new BootImage(vmlinux, buildId, ReadVersion(image.Span));
    }

    private static ReadOnlyMemory<byte>? Payload(ReadOnlyMemory<byte> image)
    {
        var span = image.Span;
        if (span.Length < HeaderEnd || !span.Slice(Magic, 4).SequenceEqual("HdrS"u8))
            return null;
        if (BinaryPrimitives.ReadUInt16LittleEndian(span[ProtocolVersion..]) < 0x208)
            return null;
        // boot.rst: a setup_sects of 0 means 4; the boot sector itself comes on top.
        var setup = (span[SetupSectors] == 0 ? 4 : span[SetupSectors]) + 1;
        var start = ((long)setup * Sector) + BinaryPrimitives.ReadUInt32LittleEndian(span[PayloadOffset..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(span[PayloadLength..]);
        return length > 4 && start + length <= span.Length ? image.Slice((int)start, (int)length) : null;
    }

    private static async Task<Outcome<ReadOnlyMemory<byte>>> DecompressAsync(
        ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        var way = Compressions.FirstOrDefault(c => payload.Span.StartsWith(c.Magic));
        if (way.Command is null)
            return new Problem(RecordProblems.BootImageUnreadable, "the kernel in it is compressed in a way that is not known");
        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                // Ends with the first byte too many, and not when all of it is unpacked: that may be terabytes.
                File = "bash",
                Arguments = ["-o", "pipefail", "-c", $"\"$@\" | head -c {LargestVmlinux + 1}", "bash", .. way.Command],
                // The build appends the decompressed size in four bytes (scripts/Makefile.lib, size_append) except to gzip,
                // which carries it itself. Decompressors that read on after the end would call it rubbish.
                Input = way.Command[0] == "gzip" ? payload : payload[..^4],
                OutputLimit = LargestVmlinux,
            },
            cancellation);
        if (!outcome.TryGet(out var result))
            return Outcome<ReadOnlyMemory<byte>>.Failure(outcome.Problems);
        if (result.ExitCode == 127)
            return new Problem(ProcessProblems.ToolMissing, $"{way.Command[0]} is not installed (package {way.Package})");
        if (result.Truncated)
            return new Problem(RecordProblems.BootImageUnreadable, $"the kernel in it has more than {LargestVmlinux >> 20} MiB");
        if (result.ExitCode != 0 && !ElfImage.IsImage(result.OutputBytes.Span))
            return new Problem(RecordProblems.BootImageUnreadable, $"the kernel in it cannot be decompressed: {Tail(result)}");
        return result.OutputBytes;
    }

    // What it unpacked may be long, and no text.
    private static string Tail(ProcessResult result) =>
        result.ErrorBytes.IsEmpty ? $"exit status {result.ExitCode}" : result.Describe();

    private static string ReadVersion(ReadOnlySpan<byte> image)
    {
        var start = BinaryPrimitives.ReadUInt16LittleEndian(image[VersionText..]) + Sector;
        if (start == Sector || start >= image.Length)
            return "";
        var text = image[start..Math.Min(start + 256, image.Length)];
        var end = text.IndexOf((byte)0);
        return System.Text.Encoding.ASCII.GetString(end < 0 ? text : text[..end]);
    }
}
