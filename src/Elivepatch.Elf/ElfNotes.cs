namespace Elivepatch.Elf;

/// <summary>
/// Notes (System V gABI, chapter 5, "Note Section"), as they lie in a section, in a segment and in <c>/sys/kernel/notes</c>: each
/// is <code>
///  0 namesz 4   4 descsz 4   8 type 4   12 name, descriptor: each padded to a multiple of 4 bytes
/// </code>
/// </summary>
public static class ElfNotes
{
    private const int HeaderSize = 12;
    private const uint TypeBuildId = 3;

    // SHA-1 has 20 bytes.
    private const int LongestBuildId = 64;

    /// <summary>
    /// The descriptor of the first note of an owner and type; empty where there is none, or none that is whole.
    /// </summary>
    /// <param name="notes">The notes, one behind the other.</param>
    /// <param name="owner">The name with its zero byte, as in <c>GNU\0</c>.</param>
    /// <param name="type">The type, which means something to the owner.</param>
    /// <param name="order">The byte order of their numbers.</param>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> notes, ReadOnlySpan<byte> owner, uint type, ElfByteOrder order)
    {
        while (notes.Length >= HeaderSize)
        {
            uint nameSize = order.ReadUInt32(notes),
                descriptorSize = order.ReadUInt32(notes[4..]);
            long descriptor = HeaderSize + Align(nameSize),
                end = descriptor + Align(descriptorSize);
            if (descriptor + descriptorSize > notes.Length)
            {
                return [];
            }

            if (order.ReadUInt32(notes[8..]) == type && notes.Slice(HeaderSize, (int)nameSize).SequenceEqual(owner))
            {
                return notes.Slice((int)descriptor, (int)descriptorSize);
            }

            notes = notes[(int)Math.Min(end, notes.Length)..];
        }

        return [];
    }

    /// <summary>
    /// The descriptor of the first note <c>NT_GNU_BUILD_ID</c> (type 3, owner "GNU"): the identity of a linked file. Empty where
    /// there is none of 1 to 64 bytes.
    /// </summary>
    public static ReadOnlySpan<byte> FindBuildId(ReadOnlySpan<byte> notes, ElfByteOrder order) =>
        Find(notes, "GNU\0"u8, TypeBuildId, order) is { Length: > 0 and <= LongestBuildId } found ? found : [];

    /// <summary>The build-id of a file that has sections, a module's; empty where it has none.</summary>
    public static ReadOnlySpan<byte> BuildIdOf(ElfObject file) =>
        FindBuildId(file.FindSection(".note.gnu.build-id")?.Content, file.Order);

    private static long Align(uint size) => ((long)size + 3) & ~3L;
}
