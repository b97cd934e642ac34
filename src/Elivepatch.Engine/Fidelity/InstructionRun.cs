using Elivepatch.Elf;
using Iced.Intel;

namespace Elivepatch.Engine.Fidelity;

/// <summary>The instructions of a section from an offset on, decoded as far as they are asked for.</summary>
internal sealed class InstructionRun
{
    private readonly List<DecodedInstruction> decoded = [];
    private readonly Decoder decoder;
    private readonly ulong start;

    /// <summary>Begins at an offset within the section.</summary>
    public InstructionRun(ElfSection section, ulong start)
    {
        (Section, this.start) = (section, start);
        decoder = Decoder.Create(64, new ByteArrayCodeReader(section.Content, (int)start, section.Content.Length - (int)start), start);
        Fields = [.. section.Relocations?.Entries.Select(r => r.Offset) ?? []];
    }

    /// <summary>The section.</summary>
    public ElfSection Section { get; }

    /// <summary>Offsets of its relocated fields.</summary>
    public SortedSet<ulong> Fields { get; }

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

    /// <summary>True where a relocation is within the instruction.</summary>
    public bool HasField(in DecodedInstruction instruction) => Fields.GetViewBetween(instruction.Offset, instruction.End - 1).Count > 0;
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
