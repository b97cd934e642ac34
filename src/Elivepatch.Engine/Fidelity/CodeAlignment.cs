// In: a function's code as it stands in the two objects of a unit. Out: which instruction of the one is which of the other, where
// all are the same. A section of its own moves a function, and two things follow from where code lies, without being code: NOPs
// that align the target of a jump (the distance to the next multiple of 16 or 32 is another one), and the length of a branch (on
// some processors it is shorter where its target is near; a tail call to a neighbour is a jump that the assembler can solve where
// both share a section).
//
// So the two are read as instructions: a run of NOPs matches any run of NOPs, a branch one of another length to the place that
// matches its target, and every other instruction must be equal byte by byte. A NOP may mean something, though: the site of a
// static branch or of an alternative is rewritten at run time. Two unequal runs must have the same number of sites; they are
// paired in order, and each must be the same NOP. Whether the order was right the comparison of the tables shows.
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The instructions of a section of the before object, paired with those of the as-built object.</summary>
internal sealed class CodeAlignment
{
    /// <summary>What an offset within NOPs is mapped to that has no equal place: no offset of any section.</summary>
    public const ulong Nowhere = 1UL << 62;

    private readonly ulong start;
    private readonly InstructionRun ours;
    private readonly InstructionRun others;
    private readonly List<(MachineInstruction Before, MachineInstruction AsBuilt)> pairs = [];
    private readonly List<UnequalNops> unequal = [];

    // Where the distance changes: an offset in the before section, and what it is in the as-built one, less the start. Ascending;
    // of two steps at one offset the later counts.
    private readonly List<(ulong Before, ulong AsBuilt)> steps = [(0, 0)];

    private CodeAlignment(InstructionRun ours, InstructionRun others, ulong start) =>
        (this.ours, this.others, this.start) = (ours, others, start);

    /// <summary>
    /// Pairs the instructions of a section with those that begin at <paramref name="start"/> in its twin; null where the two are
    /// not instructions of the same kinds in the same order. Bytes and targets are compared with <see cref="AsBuiltContent"/>.
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
    /// The offset in the as-built code, from its start, for an offset in the section of the before object; <see cref="Nowhere"/>
    /// for one within NOPs that have no equals there.
    /// </summary>
    public ulong Map(ulong offset)
    {
        var low = 0;
        var high = steps.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = steps[middle].Before <= offset ? (middle, high) : (low, middle - 1);
        }

        return steps[low].AsBuilt == Nowhere ? Nowhere : unchecked(steps[low].AsBuilt + (offset - steps[low].Before));
    }

    /// <summary>
    /// The as-built code in the shape of the section of the before object: equal to its content, relocated fields apart, where
    /// the code is the same. What is not the same differs in at least one byte outside of the fields.
    /// </summary>
    public byte[] AsBuiltContent()
    {
        // What is not written below is NOPs, which Pair() has looked at.
        byte[] content = [.. ours.Section.Content];
        foreach ((var before, var asBuilt) in pairs)
        {
            var bytes = content.AsSpan((int)before.Offset, before.Length);
            var other = others.BytesOf(asBuilt);
            var isSame = before.IsBranch ? WriteBranch(before, asBuilt, bytes, other) : WriteOther(before, asBuilt, bytes, other);
            if (!isSame)
            {
                // Any byte that the before object does not have shows it; the first is no field.
                bytes[0] = (byte)~ours.Section.Content[(int)before.Offset];
            }
        }

        return content;
    }

    /// <summary>
    /// True where a jump to an offset in the before object goes the same way as one to an offset in the as-built section. Into a
    /// run of NOPs, it means the end of the run, and what is rewritten on the way there.
    /// </summary>
    public bool LeadsToTheSame(ulong target, ulong asBuiltTarget) =>
        unequal.Find(u => u.ContainsOrEndsAt(target)) is { } run
            ? run.AreEqualWays(target, asBuiltTarget)
            : IsSamePlace(target, asBuiltTarget);

    private BranchForms Branches => ours.Architecture.Branches;

    private RelocationType Branch => ours.Architecture.Branch;

    private bool WriteBranch(MachineInstruction before, MachineInstruction asBuilt, Span<byte> bytes, ReadOnlySpan<byte> other)
    {
        var hasField = ours.HasField(before);
        var isEqual =
            before.Length == asBuilt.Length
            && (hasField ? IsSameOutsideOfField(before, bytes, other) : bytes.SequenceEqual(other));
        if (!(isEqual || (Branches.IsPlain(bytes) && Branches.IsPlain(other))))
        {
            return false;
        }

        if (!hasField)
        {
            return LeadsToTheSame(before.Target!.Value, asBuilt.Target!.Value);
        }

        // What the assembler would have written for the same target; where it wrote a relocation, that is compared instead.
        if (before.Immediate is not { } field || field.Size != Branch.Size || !ours.Fields.Contains(field.Offset))
        {
            return false;
        }

        var distance = unchecked(asBuilt.Target!.Value - (ulong)field.Bias - start - Map(field.Offset));
        Branch.Write(bytes.Slice((int)(field.Offset - before.Offset), field.Size), ours.Order, distance);
        return true;
    }

    private bool IsSameOutsideOfField(MachineInstruction before, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> other)
    {
        if (before.Immediate is not { } field || field.Size != Branch.Size)
        {
            return false;
        }

        var at = (int)(field.Offset - before.Offset);
        var end = at + field.Size;
        return bytes[..at].SequenceEqual(other[..at])
            && bytes[end..].SequenceEqual(other[end..])
            && Branch.AreEqualOutside(bytes[at..end], other[at..end], ours.Order);
    }

    private bool WriteOther(MachineInstruction before, MachineInstruction asBuilt, Span<byte> bytes, ReadOnlySpan<byte> other)
    {
        if (before is not { Memory.Place: { } target, Displacement: { } field } || ours.Fields.Contains(field.Offset))
        {
            other.CopyTo(bytes);
            return true;
        }

        // The address of a place in the same section: another distance where code between them has another length. The place may
        // be data, which only looks like NOPs.
        var at = (int)(field.Offset - before.Offset);
        byte[] displacement = [.. bytes.Slice(at, field.Size)];
        other.CopyTo(bytes);
        displacement.CopyTo(bytes[at..]);
        return asBuilt is { Memory.Place: { } otherTarget, Displacement: { } otherField }
            && otherField.Offset - asBuilt.Offset == (ulong)at
            && otherField.Size == field.Size
            && IsSamePlace(target, otherTarget)
            && !unequal.Exists(u => u.Contains(target));
    }

    private bool Pair()
    {
        var i = 0;
        var j = 0;
        while (ours.Has(i))
        {
            if (ours.IsPadding(i) || others.IsPadding(j))
            {
                int end = ours.EndOfPadding(i),
                    otherEnd = others.EndOfPadding(j);

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
        (var begin, var end) = (ours.OffsetOf(run.Start.Value), ours.OffsetOf(run.End.Value));
        (var otherBegin, var otherEnd) = (others.OffsetOf(otherRun.Start.Value), others.OffsetOf(otherRun.End.Value));
        Step(begin, otherBegin);
        if (ours.BytesOf(begin, end).SequenceEqual(others.BytesOf(otherBegin, otherEnd)))
        {
            return true;
        }

        List<int> sites = [.. ours.Sites(run)],
            otherSites = [.. others.Sites(otherRun)];
        if (sites.Count != otherSites.Count)
        {
            return false;
        }

        var last = begin;
        foreach ((var site, var otherSite) in sites.Zip(otherSites))
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
        unequal.Add(
            new(
                begin,
                end,
                [.. ours.Offsets(run), end],
                [.. others.Offsets(otherRun), otherEnd],
                [.. sites.Select(s => ours[s].Offset)],
                [.. otherSites.Select(s => others[s].Offset)]
            )
        );
        return true;
    }

    // The NOP that is rewritten is the same; alternatives fill theirs up with NOPs of one byte, and say how many these are.
    private bool IsSameSite(int site, int otherSite)
    {
        if (!ours.BytesOf(ours[site]).SequenceEqual(others.BytesOf(others[otherSite])))
        {
            return false;
        }

        while (IsFiller(ours, site) && IsFiller(others, otherSite))
        {
            (site, otherSite) = (site + 1, otherSite + 1);
        }

        return IsFiller(ours, site) == IsFiller(others, otherSite);
    }

    private bool IsFiller(InstructionRun run, int index) => run.IsPadding(index) && Branches.IsFiller(run.BytesOf(run[index]));

    private void Step(ulong before, ulong asBuilt)
    {
        var mapped = unchecked(asBuilt - start);
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

    private bool IsSamePlace(ulong target, ulong asBuiltTarget) =>
        Map(target) is var mapped and not Nowhere && unchecked(start + mapped) == asBuiltTarget;

    private static bool IsSameKind(MachineInstruction one, MachineInstruction other) =>
        one.Opcode == other.Opcode
        && one.IsValid
        && one.IsBranch == other.IsBranch
        && (one.Length == other.Length || one.IsBranch);

    /// <summary>Two runs of NOPs, one of them maybe empty, that differ.</summary>
    /// <param name="Begin">Where the one begins in the section of the before object.</param>
    /// <param name="End">Where it ends.</param>
    /// <param name="Offsets">Where the NOPs of the one begin, and its end.</param>
    /// <param name="OtherOffsets">The same of the other, in the as-built section.</param>
    /// <param name="Sites">Where the one is rewritten.</param>
    /// <param name="OtherSites">Where the other is.</param>
    private sealed record UnequalNops(
        ulong Begin,
        ulong End,
        IReadOnlyList<ulong> Offsets,
        IReadOnlyList<ulong> OtherOffsets,
        IReadOnlyList<ulong> Sites,
        IReadOnlyList<ulong> OtherSites
    )
    {
        public bool Contains(ulong target) => target >= Begin && target < End;

        public bool ContainsOrEndsAt(ulong target) => target >= Begin && target <= End;

        public bool AreEqualWays(ulong target, ulong otherTarget) =>
            Offsets.Contains(target)
            && OtherOffsets.Contains(otherTarget)
            && Sites.Count(s => s >= target) == OtherSites.Count(s => s >= otherTarget);
    }
}
