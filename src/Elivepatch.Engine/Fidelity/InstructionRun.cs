using Elivepatch.Elf;
using Iced.Intel;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The instructions of a section from an offset on, decoded as far as they are asked for.</summary>
internal sealed class InstructionRun
{
    private readonly List<DecodedInstruction> decoded = [];
    private readonly ReferredSection referred;
    private readonly Decoder decoder;
    private readonly ulong start;

    /// <summary>Begins at an offset within the section.</summary>
    public InstructionRun(ReferredSection referred, ulong start)
    {
        (this.referred, this.start) = (referred, start);
        decoder = Decoder.Create(64, new ByteArrayCodeReader(Section.Content, (int)start, Section.Content.Length - (int)start), start);
    }

    /// <summary>The section.</summary>
    public ElfSection Section => referred.Section;

    /// <summary>Offsets of its relocated fields.</summary>
    public SortedSet<ulong> Fields => referred.Fields;

    /// <summary>An instruction that there is.</summary>
    public DecodedInstruction this[int index] => decoded[index];

    /// <summary>True where the section has so many instructions.</summary>
    public bool Has(int index)
    {
        while (decoded.Count <= index && decoder.IP < (ulong)Section.Content.Length)
        {
            decoder.Decode(out Instruction instruction);
            decoded.Add(new(instruction, decoder.GetConstantOffsets(instruction)));
        }

        return index < decoded.Count;
    }

    /// <summary>True for a NOP. One with a relocation is none that an assembler writes to align code.</summary>
    public bool IsPadding(int index) => Has(index) && decoded[index].Instruction.Mnemonic == Mnemonic.Nop && !HasField(decoded[index]);

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
    public ulong OffsetOf(int index) => Has(index) ? decoded[index].Offset : decoded.Count > 0 ? decoded[^1].End : start;

    /// <summary>Where these instructions begin.</summary>
    public IEnumerable<ulong> Offsets(Range run) => decoded.Take(run).Select(d => d.Offset);

    /// <summary>Those of these instructions that may be rewritten at run time.</summary>
    public IEnumerable<int> Sites(Range run) =>
        Enumerable.Range(run.Start.Value, run.End.Value - run.Start.Value).Where(i => referred.Sites.Contains(decoded[i].Offset));

    /// <summary>True where a relocation is within the instruction.</summary>
    public bool HasField(in DecodedInstruction instruction) =>
        Fields.Count > 0 && Fields.GetViewBetween(instruction.Offset, instruction.End - 1).Count > 0;

    /// <summary>An instruction's bytes.</summary>
    public ReadOnlySpan<byte> BytesOf(in DecodedInstruction instruction) => BytesOf(instruction.Offset, instruction.End);

    /// <summary>The bytes from one offset to another, not more than there are.</summary>
    public ReadOnlySpan<byte> BytesOf(ulong from, ulong to) => Section.Content.AsSpan((int)from, (int)(Math.Min(to, (ulong)Section.Content.Length) - from));
}

/// <summary>An instruction and where its displacement and immediate are.</summary>
/// <param name="Instruction">The instruction; its address is its offset in the section.</param>
/// <param name="Constants">Offsets within it, in bytes.</param>
internal readonly record struct DecodedInstruction(Instruction Instruction, ConstantOffsets Constants)
{
    /// <summary>Offset in the section.</summary>
    public ulong Offset => Instruction.IP;

    /// <summary>Offset of the next instruction.</summary>
    public ulong End => Instruction.NextIP;

    /// <summary>Length in bytes.</summary>
    public int Length => Instruction.Length;
}
