using Elivepatch.Elf;

namespace Elivepatch.Protocol.Captures;

/// <summary>
/// The identity of a linked kernel or module: the descriptor of its ELF note <c>NT_GNU_BUILD_ID</c> (type 3, owner "GNU").
/// </summary>
/// <param name="Hex">Lower-case hexadecimal digits, 40 for the usual SHA-1.</param>
public readonly record struct BuildId(string Hex)
{
    // A kernel has one segment of notes with some hundred bytes. Many large ones, one over the other, would take hours to search.
    private const int MostSegments = 16;
    private const int LargestSegment = 64 << 10;

    /// <summary>Finds the build-id among ELF notes, or null.</summary>
    /// <param name="notes">The notes, as in <c>/sys/kernel/notes</c>.</param>
    /// <param name="order">The byte order of the machine that they are from.</param>
    public static BuildId? Find(ReadOnlySpan<byte> notes, ElfByteOrder order = ElfByteOrder.LittleEndian)
    {
        var descriptor = ElfNotes.FindBuildId(notes, order);
        return descriptor.IsEmpty ? null : new(Convert.ToHexStringLower(descriptor));
    }

    /// <summary>Finds the build-id among notes that this machine's kernel shows, or null.</summary>
    public static BuildId? FindHere(ReadOnlySpan<byte> notes) =>
        Find(notes, BitConverter.IsLittleEndian ? ElfByteOrder.LittleEndian : ElfByteOrder.BigEndian);

    /// <summary>The build-id of a linked file, or null where it has none.</summary>
    public static BuildId? Of(ReadOnlySpan<byte> file)
    {
        if (ElfImage.Read(file) is not { } image)
        {
            return null;
        }

        var segments = image.Segments.Where(s => s.Type == ElfSegmentType.Note).ToList();
        if (segments.Count > MostSegments || segments.Exists(s => s.Size > LargestSegment))
        {
            return null;
        }

        foreach (var segment in segments)
        {
            if (Find(ElfImage.ContentOf(file, segment), image.Order) is { } found)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>The build-id of a module's file, which has sections and no segments; null where it has none.</summary>
    public static BuildId? OfModule(ElfObject module) =>
        ElfNotes.BuildIdOf(module) is { IsEmpty: false } found ? new(Convert.ToHexStringLower(found)) : null;

    /// <summary>Reads a build-id in hexadecimal, or null where it is none.</summary>
    public static BuildId? Parse(string text) =>
        text.Length is >= 8 and <= 128 && text.Length % 2 == 0 && text.All(char.IsAsciiHexDigit)
            ? new(text.ToLowerInvariant())
            : null;

    /// <inheritdoc/>
    public override string ToString() => Hex;
}
