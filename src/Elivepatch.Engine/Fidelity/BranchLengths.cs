// In: one function as it stands in the two objects of a unit, of different length. Out: the as-built bytes as they would be had
// the assembler not shortened branches. A tail call to a neighbour is a 5-byte jump when each function has a section of its own,
// and may be a 2-byte jump when they share one; jumps across it are then shorter by three bytes too. This is the only way in which
// sections change code, so all else must be equal, instruction by instruction.
using System.Buffers.Binary;
using Elivepatch.Elf;
using Iced.Intel;

namespace Elivepatch.Engine.Fidelity;

/// <summary>Undoes the shortening of branches.</summary>
internal static class BranchLengths
{
    /// <summary>
    /// Pairs the instructions of a section of the before object with those of its twin, and gives the branches that are shorter
    /// there; null where the two differ in more than that.
    /// </summary>
    public static IReadOnlyList<ShortenedBranch>? Compare(ElfSection section, ElfSection twin, ulong start)
    {
        var shortened = new List<ShortenedBranch>();
        foreach ((Instruction one, Instruction other) in Pairs(section, twin, start))
        {
            if (one.Mnemonic != other.Mnemonic || one.Length < other.Length || (one.Length > other.Length && !IsBranch(one)))
            {
                return null;
            }

            if (one.Length > other.Length)
            {
                shortened.Add(new(one.IP, (ulong)one.Length, (ulong)(one.Length - other.Length)));
            }
        }

        return shortened;
    }

    /// <summary>The twin's bytes with every branch in the length that it has in the section of the before object.</summary>
    public static byte[] Lengthen(ElfSection section, SectionTwin twin)
    {
        byte[] lengthened = [.. section.Content];
        HashSet<ulong> relocated = [.. section.Relocations?.Entries.Select(r => r.Offset) ?? []];
        foreach ((Instruction one, Instruction other) in Pairs(section, twin.Section, twin.Start))
        {
            Span<byte> bytes = lengthened.AsSpan((int)one.IP, one.Length);
            ulong field = one.IP + (ulong)one.Length - sizeof(int);
            if (one.Length == other.Length && !(IsBranch(one) && IsMoved(one, twin)))
            {
                twin.Section.Content.AsSpan((int)other.IP, other.Length).CopyTo(bytes);
            }
            else if (relocated.Contains(field))
            {
                // The value that the assembler would have put there for the same target, seen from the field's mapped place.
                BinaryPrimitives.WriteInt32LittleEndian(
                    bytes[^sizeof(int)..], unchecked((int)(other.NearBranchTarget - sizeof(int) - twin.Map(field))));
            }
            else if (twin.Map(one.NearBranchTarget) != other.NearBranchTarget)
            {
                // Another target: any byte that the before object does not have shows it.
                bytes[^1] ^= 0xff;
            }
        }

        return lengthened;
    }

    /// <summary>True for a branch across a shortened one, whose distance differs though its length does not.</summary>
    private static bool IsMoved(Instruction branch, SectionTwin twin) =>
        unchecked(twin.Map(branch.NearBranchTarget) - twin.Map(branch.IP)) != unchecked(branch.NearBranchTarget - branch.IP);

    private static bool IsBranch(Instruction instruction) =>
        instruction.IsJmpShortOrNear || instruction.IsJccShortOrNear || instruction.IsCallNear;

    private static IEnumerable<(Instruction Before, Instruction AsBuilt)> Pairs(ElfSection section, ElfSection twin, ulong start)
    {
        if (start > (ulong)twin.Content.Length)
        {
            yield break;
        }

        var before = Decoder.Create(64, new ByteArrayCodeReader(section.Content), 0);
        var asBuilt = Decoder.Create(64, new ByteArrayCodeReader(twin.Content, (int)start, twin.Content.Length - (int)start), start);
        while (before.IP < (ulong)section.Content.Length && asBuilt.IP < (ulong)twin.Content.Length)
        {
            yield return (before.Decode(), asBuilt.Decode());
        }
    }
}
