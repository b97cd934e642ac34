// In: a function's code as it stands in the two objects of a unit. Out: which instruction of the one is which of the other, where all
// are the same. A section of its own moves a function, and two things follow from where code lies, without being code: NOPs that align
// the target of a jump (the distance to the next multiple of 16 or 32 is another one), and the length of a branch (2 bytes where its
// target is near, else 5 or 6; a tail call to a neighbour is a jump that the assembler can solve where both share a section).
//
// So the two are read as instructions: a run of NOPs matches any run of NOPs, a branch one of another length to the place that matches
// its target, and every other instruction must be equal byte by byte. What tables refer to within a run of NOPs (the site of a static
// branch, the end of assembly with a fixup) is paired in order; whether that was right the comparison of these tables shows.
using System.Buffers.Binary;
using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The instructions of a section of the before object, paired with those of the as-built object.</summary>
internal sealed class CodeAlignment
{
    private readonly ElfSection twin;
    private readonly ulong start;
    private readonly InstructionRun ours;
    private readonly InstructionRun others;
    private readonly List<(DecodedInstruction Before, DecodedInstruction AsBuilt)> pairs = [];

    // Where the distance changes: an offset in the before section, and what it is in the as-built one, less the start. Ascending; of
    // two steps at one offset the later counts.
    private readonly List<(ulong Before, ulong AsBuilt)> steps = [(0, 0)];

    private CodeAlignment(ElfSection section, ElfSection twin, ulong start)
    {
        (this.twin, this.start) = (twin, start);
        (ours, others) = (new(section, 0), new(twin, start));
    }

    /// <summary>
    /// Pairs the instructions of a section with those that begin at <paramref name="start"/> in its twin; null where the two are not
    /// instructions of the same kinds in the same order. Bytes and targets are compared with <see cref="AsBuiltContent"/>.
    /// </summary>
    /// <param name="section">A section of the before object.</param>
    /// <param name="twin">The section of the as-built object.</param>
    /// <param name="start">Offset in the twin of the section's first byte.</param>
    /// <param name="marks">Offsets in the section that tables refer to.</param>
    /// <param name="twinMarks">Offsets in the twin that tables refer to.</param>
    public static CodeAlignment? Find(ElfSection section, ElfSection twin, ulong start, IReadOnlySet<ulong> marks, IReadOnlySet<ulong> twinMarks)
    {
        if (start >= (ulong)twin.Content.Length)
        {
            return null;
        }

        var alignment = new CodeAlignment(section, twin, start);
        return alignment.Pair(marks, twinMarks) ? alignment : null;
    }

    /// <summary>The offset in the as-built code, from its start, for an offset in the section of the before object.</summary>
    public ulong Map(ulong offset)
    {
        int low = 0;
        int high = steps.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = steps[middle].Before <= offset ? (middle, high) : (low, middle - 1);
        }

        return unchecked(steps[low].AsBuilt + (offset - steps[low].Before));
    }

    /// <summary>
    /// The as-built code in the shape of the section of the before object: equal to its content, relocated fields apart, where the code
    /// is the same. What is not the same differs in at least one byte outside of the fields.
    /// </summary>
    public byte[] AsBuiltContent()
    {
        // What is not written below is NOPs, which Pair() has looked at.
        byte[] content = [.. ours.Section.Content];
        foreach ((DecodedInstruction before, DecodedInstruction asBuilt) in pairs)
        {
            Span<byte> bytes = content.AsSpan((int)before.Offset, before.Length);
            ReadOnlySpan<byte> other = twin.Content.AsSpan((int)asBuilt.Offset, asBuilt.Length);
            if (!IsSame(before, asBuilt, bytes, other))
            {
                // Any byte that the before object does not have shows it; the first is no field.
                bytes[0] ^= 0xff;
            }
            else if (ours.HasField(before) && InstructionFields.IsNearBranch(before.Instruction))
            {
                // What the assembler would have written for the same target; where it wrote a relocation, that is compared instead.
                ulong field = before.End - sizeof(int);
                BinaryPrimitives.WriteInt32LittleEndian(
                    bytes[^sizeof(int)..], unchecked((int)(asBuilt.Instruction.NearBranchTarget - sizeof(int) - start - Map(field))));
            }
            else if (ours.HasField(before))
            {
                other.CopyTo(bytes);
            }
        }

        return content;
    }

    // Relocated fields are not looked at: who compares the content compares where they lead.
    private bool IsSame(in DecodedInstruction before, in DecodedInstruction asBuilt, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> other)
    {
        if (InstructionFields.IsNearBranch(before.Instruction))
        {
            bool leadsToTheSame = ours.HasField(before)
                ? before.Length > sizeof(int) && ours.Fields.Contains(before.End - sizeof(int))
                : IsSamePlace(before.Instruction.NearBranchTarget, asBuilt.Instruction.NearBranchTarget);
            return leadsToTheSame && (IsPlain(bytes) && IsPlain(other)
                || (before.Length == asBuilt.Length
                    && (ours.HasField(before) ? bytes[..^sizeof(int)].SequenceEqual(other[..^sizeof(int)]) : bytes.SequenceEqual(other))));
        }

        if (before.Instruction.IsIPRelativeMemoryOperand && !ours.HasField(before))
        {
            // The address of a place in the same section: another distance where code between them has another length.
            int at = before.Constants.DisplacementOffset, end = at + before.Constants.DisplacementSize;
            return IsSamePlace(before.Instruction.IPRelativeMemoryAddress, asBuilt.Instruction.IPRelativeMemoryAddress)
                && at == asBuilt.Constants.DisplacementOffset && bytes[..at].SequenceEqual(other[..at]) && bytes[end..].SequenceEqual(other[end..]);
        }

        // With a field, the bytes around it are compared with the content.
        return ours.HasField(before) || bytes.SequenceEqual(other);
    }

    private bool Pair(IReadOnlySet<ulong> marks, IReadOnlySet<ulong> twinMarks)
    {
        int i = 0;
        int j = 0;
        while (ours.Has(i))
        {
            if (ours.IsPadding(i) || others.IsPadding(j))
            {
                int end = ours.EndOfPadding(i), otherEnd = others.EndOfPadding(j);

                // Behind the last instruction there may be NOPs of the next function in the twin.
                PairRuns(i..end, j..(ours.Has(end) ? otherEnd : Math.Min(otherEnd, j + end - i)), marks, twinMarks);
                (i, j) = (end, otherEnd);
            }
            else if (others.Has(j) && IsSameKind(ours[i], others[j]))
            {
                Step(ours[i].Offset, others[j].Offset);
                pairs.Add((ours[i], others[j]));
                Step(ours[i++].End, others[j++].End);
            }
            else
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Pairs two runs of NOPs. The beginnings belong together: what ends before a run refers to it. Of the places within, the last
    /// belong together: NOPs that align stand before what they align.
    /// </summary>
    private void PairRuns(Range run, Range otherRun, IReadOnlySet<ulong> marks, IReadOnlySet<ulong> twinMarks)
    {
        ulong begin = ours.OffsetOf(run.Start.Value);
        Step(begin, others.OffsetOf(otherRun.Start.Value));
        List<ulong> marked = [.. ours.Offsets(run).Where(marks.Contains)];
        List<ulong> otherMarked = [.. others.Offsets(otherRun).Where(twinMarks.Contains)];
        for (int k = Math.Min(marked.Count, otherMarked.Count); k > 0; k--)
        {
            if (marked[^k] != begin)
            {
                Step(marked[^k], otherMarked[^k]);
            }
        }
    }

    private void Step(ulong before, ulong asBuilt)
    {
        ulong mapped = unchecked(asBuilt - start);
        if (Map(before) != mapped)
        {
            steps.Add((before, mapped));
        }
    }

    private bool IsSamePlace(ulong target, ulong asBuiltTarget) => unchecked(start + Map(target)) == asBuiltTarget;

    private static bool IsSameKind(in DecodedInstruction one, in DecodedInstruction other) =>
        one.Instruction.Mnemonic == other.Instruction.Mnemonic && !one.Instruction.IsInvalid
        && (one.Length == other.Length || InstructionFields.IsNearBranch(one.Instruction));

    // A branch of the short or the near form, without a prefix, which may mean something. The condition is in the mnemonic.
    private static bool IsPlain(ReadOnlySpan<byte> branch) => branch switch
    {
        [0xeb or (>= 0x70 and <= 0x7f), _] => true,
        [0xe8 or 0xe9, _, _, _, _] => true,
        [0x0f, >= 0x80 and <= 0x8f, _, _, _, _] => true,
        _ => false,
    };
}
