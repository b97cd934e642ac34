using System.Buffers.Binary;

namespace Elivepatch.Kernel.Records;

/// <summary>
/// The identity of a linked kernel or module: the descriptor of its ELF note <c>NT_GNU_BUILD_ID</c> (type 3, owner "GNU").
/// </summary>
/// <param name="Hex">Lower-case hexadecimal digits, 40 for the usual SHA-1.</param>
public readonly record struct BuildId(string Hex)
{
    private const uint TypeBuildId = 3;

    /// <summary>Finds the build-id among ELF notes (gABI "Note Section"; 4-byte alignment, little endian).</summary>
    public static BuildId? Find(ReadOnlySpan<byte> notes)
    {
        while (notes.Length >= 12)
        {
            var nameSize = BinaryPrimitives.ReadUInt32LittleEndian(notes);
            var descriptorSize = BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            var type = BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]);
            var descriptorStart = 12 + Align(nameSize);
            var end = descriptorStart + Align(descriptorSize);
            if (descriptorStart + descriptorSize > notes.Length)
                return null;
            var name = notes.Slice(12, (int)nameSize);
            if (type == TypeBuildId && name.SequenceEqual("GNU\0"u8) && descriptorSize is > 0 and <= 64)
                return new(Convert.ToHexStringLower(notes.Slice((int)descriptorStart, (int)descriptorSize)));
            notes = notes[(int)Math.Min(end, notes.Length)..];
        }
        return null;
    }

    /// <summary>Reads a build-id in hexadecimal, or null where it is none.</summary>
    public static BuildId? Parse(string text) =>
        text.Length is >= 8 and <= 128 && text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit) ? new(text.ToLowerInvariant()) : null;

    /// <inheritdoc/>
    public override string ToString() => Hex;

    private static long Align(uint size) => ((long)size + 3) & ~3L;
}
