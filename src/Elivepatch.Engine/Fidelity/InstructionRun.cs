using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The instructions of a section from an offset on, decoded as far as they are asked for.</summary>
internal sealed class InstructionRun
{
    private readonly List<MachineInstruction> decoded = [];
    private readonly ReferredSection referred;
    private readonly IEnumerator<MachineInstruction> decoder;
    private readonly ulong start;

    /// <summary>Begins at an offset within the section.</summary>
    public InstructionRun(ReferredSection referred, ulong start)
    {
        (this.referred, this.start) = (referred, start);
        decoder = referred.Architecture.Decode(Section, start, (ulong)Section.Content.Length).GetEnumerator();
    }

    /// <summary>The processor.</summary>
    public Architecture Architecture => referred.Architecture;

    /// <summary>The byte order.</summary>
    public ElfByteOrder Order => Architecture.Order;

    /// <summary>The section.</summary>
    public ElfSection Section => referred.Section;

    /// <summary>Offsets of its relocated fields.</summary>
    public SortedSet<ulong> Fields => referred.Fields;

    /// <summary>An instruction that there is.</summary>
    public MachineInstruction this[int index] => decoded[index];

    /// <summary>True where the section has so many instructions.</summary>
    public bool Has(int index)
    {
        while (decoded.Count <= index && decoder.MoveNext())
        {
            decoded.Add(decoder.Current);
        }

        return index < decoded.Count;
    }

    /// <summary>True for a NOP. One with a relocation is none that an assembler writes to align code.</summary>
    public bool IsPadding(int index) => Has(index) && decoded[index].Operation == Operation.Nop && !HasField(decoded[index]);

    /// <summary>The first instruction from this one on that is no NOP.</summary>
    public int EndOfPadding(int index)
    {
        while (IsPadding(index))
        {
            index++;
        }

        return index;
    }

    /// <summary>Where an instruction begins, or where the last one ends.</summary>
    public ulong OffsetOf(int index) =>
        Has(index) ? decoded[index].Offset
        : decoded.Count > 0 ? decoded[^1].End
        : start;

    /// <summary>Where these instructions begin.</summary>
    public IEnumerable<ulong> Offsets(Range run) => decoded.Take(run).Select(d => d.Offset);

    /// <summary>Those of these instructions that may be rewritten at run time.</summary>
    public IEnumerable<int> Sites(Range run) =>
        Enumerable.Range(run.Start.Value, run.End.Value - run.Start.Value).Where(i => referred.Sites.Contains(decoded[i].Offset));

    /// <summary>True where a relocation is within the instruction.</summary>
    public bool HasField(MachineInstruction instruction) =>
        Fields.Count > 0 && Fields.GetViewBetween(instruction.Offset, instruction.End - 1).Count > 0;

    /// <summary>An instruction's bytes.</summary>
    public ReadOnlySpan<byte> BytesOf(MachineInstruction instruction) => BytesOf(instruction.Offset, instruction.End);

    /// <summary>The bytes from one offset to another, not more than there are.</summary>
    public ReadOnlySpan<byte> BytesOf(ulong from, ulong to) =>
        Section.Content.AsSpan((int)from, (int)(Math.Min(to, (ulong)Section.Content.Length) - from));
}
