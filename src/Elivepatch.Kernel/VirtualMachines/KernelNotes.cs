using System.Buffers.Binary;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Reads ELF notes (gABI, "Note Section"): three 32-bit words (name size, descriptor size, type), name, descriptor, each padded to four.</summary>
internal static class KernelNotes
{
    private const uint GnuBuildId = 3; // NT_GNU_BUILD_ID

    /// <summary>The GNU build-id in lower-case hexadecimal, or null.</summary>
    public static string? BuildId(ReadOnlySpan<byte> notes)
    {
        while (notes.Length >= 12)
        {
            var nameSize = BinaryPrimitives.ReadUInt32LittleEndian(notes);
            var descriptorSize = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            var type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
            var descriptor = 12 + Padded(nameSize);
            var end = descriptor + Padded(descriptorSize);
            if (descriptor + descriptorSize > (ulong)notes.Length)
                return null;
            if (type == GnuBuildId && notes.Slice(12, (int)nameSize).SequenceEqual("GNU\0"u8))
                return Convert.ToHexStringLower(notes.Slice((int)descriptor, (int)descriptorSize));
            notes = notes[(int)Math.Min(end, (ulong)notes.Length)..];
        }
        return null;
    }

    private static ulong Padded(uint size) => ((ulong)size + 3) & ~3ul;
}
