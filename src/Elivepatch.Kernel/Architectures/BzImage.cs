// In: a bzImage. Out: where the compressed kernel lies in it. The setup header says so: Documentation/arch/x86/boot.rst,
// payload_offset and payload_length, from protocol 2.08.

using System.Buffers.Binary;

namespace Elivepatch.Kernel.Architectures;

/// <summary>The boot image of x86.</summary>
internal sealed class BzImage : BootImageFormat
{
    private const int SetupSectors = 0x1f1;
    private const int Magic = 0x202;
    private const int ProtocolVersion = 0x206;
    private const int PayloadOffset = 0x248;
    private const int PayloadLength = 0x24c;
    private const int HeaderEnd = 0x268;
    private const int Sector = 512;

    /// <inheritdoc/>
    public override string Name => "bzImage with a setup header of protocol 2.08 or later";

    /// <inheritdoc/>
    public override CompressedKernel? Find(ReadOnlyMemory<byte> image)
    {
        var span = image.Span;
        if (span.Length < HeaderEnd || !span.Slice(Magic, 4).SequenceEqual("HdrS"u8))
        {
            return null;
        }

        if (BinaryPrimitives.ReadUInt16LittleEndian(span[ProtocolVersion..]) < 0x208)
        {
            return null;
        }

        // A setup_sects of 0 means 4; the boot sector itself comes on top.
        var setup = (span[SetupSectors] == 0 ? 4 : span[SetupSectors]) + 1;
        var start = ((long)setup * Sector) + BinaryPrimitives.ReadUInt32LittleEndian(span[PayloadOffset..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(span[PayloadLength..]);
        return length > 4 && start + length <= span.Length
            ? new(image.Slice((int)start, (int)length), HasSizeAppended: true)
            : null;
    }
}
