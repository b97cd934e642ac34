// In: a function's code as it stands in the two objects of a unit. Out: which instruction of the one is which of the other, where all
// are the same. A section of its own moves a function, and two things follow from where code lies, without being code: NOPs that align
// the target of a jump (the distance to the next multiple of 16 or 32 is another one), and the length of a branch (2 bytes where its
// target is near, else 5 or 6; a tail call to a neighbour is a jump that the assembler can solve where both share a section).
//
// So the two are read as instructions: a run of NOPs matches any run of NOPs, a branch one of another length to the place that matches
// its target, and every other instruction must be equal byte by byte. A NOP may mean something, though: the site of a static branch or
// of an alternative is rewritten at run time. Two unequal runs must have the same number of sites; they are paired in order, and each
// must be the same NOP. Whether the order was right the comparison of the tables shows.
using System.Buffers.Binary;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The instructions of a section of the before object, paired with those of the as-built object.</summary>
internal sealed class CodeAlignment
{
    /// <summary>What an offset within NOPs is mapped to that has no equal place: no offset of any section.</summary>
    public const ulong Nowhere = 1UL << 62;

    private const byte OneByteNop = 0x90;

    private readonly ulong start;
    private readonly InstructionRun ours;
    private readonly InstructionRun others;
    private readonly List<(DecodedInstruction Before, DecodedInstruction AsBuilt)> pairs = [];
    private readonly List<UnequalNops> unequal = [];

    // Where the distance changes: an offset in the before section, and what it is in the as-built one, less the start. Ascending; of
    // two steps at one offset the later counts.
    private readonly List<(ulong Before, ulong AsBuilt)> steps = [(0, 0)];

    private CodeAlignment(InstructionRun ours, InstructionRun others, ulong start) => (this.ours, this.others, this.start) = (ours, others, start);

    /// <summary>
    /// Pairs the instructions of a section with those that begin at <paramref name="start"/> in its twin; null where the two are not
    /// instructions of the same kinds in the same order. Bytes and targets are compared with <see cref="AsBuiltContent"/>.
    /// </summary>
    /// <param name="section">A section of the before object.</param>
    /// <param name="twin">The section of the as-built object.</param>
    /// <param name="start">Offset in the twin of the section's first byte.</param>
    public static CodeAlignment? Find(ReferredSection section, ReferredSection twin, ulong start)
    {
        if (start >= (ulong)twin.Section.Content.Length)
        {
            return null;
        }

        var alignment = new CodeAlignment(new(section, 0), new(twin, start), start);
        return alignment.Pair() ? alignment : null;
    }

    /// <summary>
    /// The offset in the as-built code, from its start, for an offset in the section of the before object; <see cref="Nowhere"/> for one
    /// within NOPs that have no equals there.
    /// </summary>
    public ulong Map(ulong offset)
    {
        int low = 0;
        int high = steps.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = steps[middle].Before <= offset ? (middle, high) : (low, middle - 1);
        }

        return steps[low].AsBuilt == Nowhere ? Nowhere : unchecked(steps[low].AsBuilt + (offset - steps[low].Before));
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
            ReadOnlySpan<byte> other = others.BytesOf(asBuilt);
            bool isSame = InstructionFields.IsNearBranch(before.Instruction)
                ? WriteBranch(before, asBuilt, bytes, other)
                : WriteOther(before, asBuilt, bytes, other);
            if (!isSame)
            {
                // Any byte that the before object does not have shows it; the first is no field.
                bytes[0] = (byte)~ours.Section.Content[(int)before.Offset];
            }
        }

        return content;
    }

    /// <summary>
    /// True where a jump to an offset in the before object goes the same way as one to an offset in the as-built section. Into a run of
    /// NOPs, it means the end of the run, and what is rewritten on the way there.
    /// </summary>
    public bool LeadsToTheSame(ulong target, ulong asBuiltTarget) =>
        unequal.Find(u => u.Reaches(target)) is { } run ? run.AreEqualWays(target, asBuiltTarget) : IsSamePlace(target, asBuiltTarget);

    private bool WriteBranch(in DecodedInstruction before, in DecodedInstruction asBuilt, Span<byte> bytes, ReadOnlySpan<byte> other)
    {
        bool hasField = ours.HasField(before);
        bool isEqual = before.Length == asBuilt.Length
            && (hasField ? bytes[..^sizeof(int)].SequenceEqual(other[..^sizeof(int)]) : bytes.SequenceEqual(other));
        if (!(isEqual || (IsPlain(bytes) && IsPlain(other))))
        {
            return false;
        }

        if (!hasField)
        {
            return LeadsToTheSame(before.Instruction.NearBranchTarget, asBuilt.Instruction.NearBranchTarget);
        }

        // What the assembler would have written for the same target; where it wrote a relocation, that is compared instead.
        ulong field = before.End - sizeof(int);
        if (before.Length <= sizeof(int) || !ours.Fields.Contains(field))
        {
            return false;
        }

        BinaryPrimitives.WriteInt32LittleEndian(
            bytes[^sizeof(int)..], unchecked((int)(asBuilt.Instruction.NearBranchTarget - sizeof(int) - start - Map(field))));
        return true;
    }

    private bool WriteOther(in DecodedInstruction before, in DecodedInstruction asBuilt, Span<byte> bytes, ReadOnlySpan<byte> other)
    {
        int at = before.Constants.DisplacementOffset;
        int length = before.Constants.DisplacementSize;
        if (!before.Instruction.IsIPRelativeMemoryOperand || ours.Fields.Contains(before.Offset + (ulong)at))
        {
            other.CopyTo(bytes);
            return true;
        }

        // The address of a place in the same section: another distance where code between them has another length. The place may be
        // data, which only looks like NOPs.
        ulong target = before.Instruction.IPRelativeMemoryAddress;
        byte[] displacement = [.. bytes.Slice(at, length)];
        other.CopyTo(bytes);
        displacement.CopyTo(bytes[at..]);
        return at == asBuilt.Constants.DisplacementOffset && length == asBuilt.Constants.DisplacementSize
            && IsSamePlace(target, asBuilt.Instruction.IPRelativeMemoryAddress) && !unequal.Exists(u => u.Holds(target));
    }

    private bool Pair()
    {
        int i = 0;
        int j = 0;
        while (ours.Has(i))
        {
            if (ours.IsPadding(i) || others.IsPadding(j))
            {
                int end = ours.EndOfPadding(i), otherEnd = others.EndOfPadding(j);

                // Behind the last instruction there may be NOPs of the next function in the twin.
                if (!PairRuns(i..end, j..(ours.Has(end) ? otherEnd : Math.Min(otherEnd, j + end - i))))
                {
                    return false;
                }

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
    /// Pairs two runs of NOPs. Where they are unequal, only sites have an equal place, and the beginning.
    /// </summary>
    private bool PairRuns(Range run, Range otherRun)
    {
        (ulong begin, ulong end) = (ours.OffsetOf(run.Start.Value), ours.OffsetOf(run.End.Value));
        (ulong otherBegin, ulong otherEnd) = (others.OffsetOf(otherRun.Start.Value), others.OffsetOf(otherRun.End.Value));
        Step(begin, otherBegin);
        if (ours.BytesOf(begin, end).SequenceEqual(others.BytesOf(otherBegin, otherEnd)))
        {
            return true;
        }

        List<int> sites = [.. ours.Sites(run)], otherSites = [.. others.Sites(otherRun)];
        if (sites.Count != otherSites.Count)
        {
            return false;
        }

        ulong last = begin;
        foreach ((int site, int otherSite) in sites.Zip(otherSites))
        {
            if (!IsSameSite(site, otherSite))
            {
                return false;
            }

            StepToNowhere(last + 1, ours[site].Offset);
            Step(ours[site].Offset, others[otherSite].Offset);
            last = ours[site].Offset;
        }

        StepToNowhere(last + 1, end);
        Step(end, otherEnd);
        unequal.Add(new(
            begin, end, [.. ours.Offsets(run), end], [.. others.Offsets(otherRun), otherEnd],
            [.. sites.Select(s => ours[s].Offset)], [.. otherSites.Select(s => others[s].Offset)]));
        return true;
    }

    // The NOP that is rewritten is the same; alternatives fill theirs up with NOPs of one byte, and say how many these are.
    private bool IsSameSite(int site, int otherSite)
    {
        if (!ours.BytesOf(ours[site]).SequenceEqual(others.BytesOf(others[otherSite])))
        {
            return false;
        }

        while (IsOneByteNop(ours, site) && IsOneByteNop(others, otherSite))
        {
            (site, otherSite) = (site + 1, otherSite + 1);
        }

        return IsOneByteNop(ours, site) == IsOneByteNop(others, otherSite);
    }

    private static bool IsOneByteNop(InstructionRun run, int index) => run.IsPadding(index) && run.BytesOf(run[index]) is [OneByteNop];

    private void Step(ulong before, ulong asBuilt)
    {
        ulong mapped = unchecked(asBuilt - start);
        if (Map(before) != mapped)
        {
            steps.Add((before, mapped));
        }
    }

    private void StepToNowhere(ulong before, ulong end)
    {
        if (before < end)
        {
            steps.Add((before, Nowhere));
        }
    }

    private bool IsSamePlace(ulong target, ulong asBuiltTarget) => Map(target) is var mapped and not Nowhere && unchecked(start + mapped) == asBuiltTarget;

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

    /// <summary>Two runs of NOPs, one of them maybe empty, that differ.</summary>
    /// <param name="Begin">Where the one begins in the section of the before object.</param>
    /// <param name="End">Where it ends.</param>
    /// <param name="Offsets">Where the NOPs of the one begin, and its end.</param>
    /// <param name="OtherOffsets">The same of the other, in the as-built section.</param>
    /// <param name="Sites">Where the one is rewritten.</param>
    /// <param name="OtherSites">Where the other is.</param>
    private sealed record UnequalNops(
        ulong Begin, ulong End, IReadOnlyList<ulong> Offsets, IReadOnlyList<ulong> OtherOffsets, IReadOnlyList<ulong> Sites, IReadOnlyList<ulong> OtherSites)
    {
        public bool Holds(ulong target) => target >= Begin && target < End;

        public bool Reaches(ulong target) => target >= Begin && target <= End;

        public bool AreEqualWays(ulong target, ulong otherTarget) =>
            Offsets.Contains(target) && OtherOffsets.Contains(otherTarget)
            && Sites.Count(s => s >= target) == OtherSites.Count(s => s >= otherTarget);
    }
}
