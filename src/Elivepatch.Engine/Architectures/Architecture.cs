// What differs between processors has its home in this folder, a folder for each: the shapes of relocations, instructions, the
// calling convention, the entry that ftrace makes, branches that are rewritten at run time, the names of sections, what the
// module loader takes. The passes ask, and know no processor by name.
using Elivepatch.Elf;
using Elivepatch.Model;

namespace Elivepatch.Engine.Architectures;

/// <summary>A processor, as far as the engine has to know it.</summary>
public abstract class Architecture
{
    private readonly Dictionary<uint, RelocationType> types;

    /// <summary>Describes one.</summary>
    /// <param name="machine">Its number, <c>e_machine</c>.</param>
    /// <param name="order">The byte order of its kernels.</param>
    /// <param name="relocations">The types of its psABI that change something.</param>
    internal Architecture(ushort machine, ElfByteOrder order, IEnumerable<RelocationType> relocations)
    {
        Machine = machine;
        Order = order;
        types = relocations.ToDictionary(t => t.Number);
    }

    /// <summary>Its number, <c>e_machine</c>.</summary>
    public ushort Machine { get; }

    /// <summary>The byte order of its kernels.</summary>
    public ElfByteOrder Order { get; }

    /// <summary>Its name, as people write it.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// The lowest address that moves with the kernel (KASLR): symbols below are offsets into the per-processor area, or plain
    /// numbers. 0 where there are none.
    /// </summary>
    public abstract ulong LowestAddress { get; }

    /// <summary>An address at which modules may be loaded: relocations between them and around it fit their fields.</summary>
    internal abstract ulong ModuleAddress { get; }

    /// <summary>The type of a datum's address.</summary>
    internal abstract RelocationType Pointer { get; }

    /// <summary>The type of the distance from a field of 4 bytes to a place.</summary>
    internal abstract RelocationType Relative { get; }

    /// <summary>The type of an operand in memory that is relative to its instruction.</summary>
    internal abstract RelocationType RelativeOperand { get; }

    /// <summary>The type of a direct call or jump.</summary>
    internal abstract RelocationType Branch { get; }

    /// <summary>
    /// What the addend of a branch lacks: where the processor counts from the next instruction, the distance from the field to
    /// that.
    /// </summary>
    internal abstract int BranchBias { get; }

    /// <summary>Size in bytes of the smallest field of an instruction that a relocation of code changes.</summary>
    internal abstract int SmallestField { get; }

    /// <summary>How functions call each other.</summary>
    internal abstract CallingConvention Calls { get; }

    /// <summary>Branches that the running kernel turns on and off.</summary>
    internal abstract StaticBranches StaticBranches { get; }

    /// <summary>What a branch is where it may have several lengths.</summary>
    internal abstract BranchForms Branches { get; }

    /// <summary>The sections that its own files bring, and what they are.</summary>
    internal abstract SectionTable Sections { get; }

    /// <summary>Constants that the kernel writes into its instructions while it starts.</summary>
    internal abstract RuntimeConstants RuntimeConstants { get; }

    /// <summary>Entries of the table of alternatives.</summary>
    internal abstract AlternativeTable Alternatives { get; }

    /// <summary>Functions of its assembly.</summary>
    internal abstract AssemblyCallees Assembly { get; }

    /// <summary>What an indirect call may land on.</summary>
    internal abstract IndirectCalls IndirectCalls { get; }

    /// <summary>What its module loader takes.</summary>
    internal abstract ModuleLoader Loader { get; }

    /// <summary>The instruction that fills up space between functions, repeated.</summary>
    internal abstract ReadOnlySpan<byte> Nop { get; }

    /// <summary>
    /// Name of the symbol that ftrace's call at the entry of a function refers to; null where a table has the entries instead.
    /// </summary>
    internal abstract string? FtraceEntry { get; }

    /// <summary>The type of a relocation; one of no size and no formula where the number is not known.</summary>
    public RelocationType TypeOf(uint number) => types.TryGetValue(number, out var type) ? type : new(number, $"type {number}");

    /// <summary>The type of a relocation.</summary>
    public RelocationType TypeOf(ElfRelocation relocation) => TypeOf(relocation.Type);

    /// <summary>A relocation for people: its type by name, its place, and what it refers to.</summary>
    internal string Describe(ElfRelocation relocation) =>
        $"{TypeOf(relocation)} at 0x{relocation.Offset:x}: {relocation.Symbol}{relocation.Addend:+0;-0;+0}";

    /// <summary>True where an object is for this processor.</summary>
    public bool IsOf(ElfObject elf) => elf.Machine == Machine && elf.Order == Order;

    /// <summary>
    /// Why the passes must not look at an object: it is for another processor, or the field of a relocation is not all within its
    /// section. Null where they may.
    /// </summary>
    /// <param name="name">What the object is called.</param>
    /// <param name="elf">The object.</param>
    internal Problem? CheckObject(string name, ElfObject elf) =>
        !IsOf(elf) ? new(DiffProblems.MalformedObject, $"{name}: it is for machine {elf.Machine}, not for {Name}")
        : FieldOutside(elf) is { } outside
            ? new(DiffProblems.MalformedObject, $"{name}: the field of {Describe(outside)} is not all within its section")
        : null;

    /// <summary>The first relocation whose field is not all within its section, or null.</summary>
    internal ElfRelocation? FieldOutside(ElfObject elf)
    {
        foreach (var section in elf.RelocationSections)
        {
            // In a compressed section offsets count in what it expands to.
            if (section.Target.Has(ElfSectionFlags.Compressed))
            {
                continue;
            }

            var length = (ulong)section.Target.Content.Length;
            foreach (var relocation in section.Entries)
            {
                if (!TypeOf(relocation).FitsInto(relocation.Offset, length))
                {
                    return relocation;
                }
            }
        }

        return null;
    }

    /// <summary>
    /// True where a field of an instruction may begin at an offset of a linked section and lead to a target. Nothing says where
    /// instructions begin, so that what only looks like one counts.
    /// </summary>
    /// <param name="code">The bytes of the section.</param>
    /// <param name="field">Offset of the field; four bytes are there.</param>
    /// <param name="place">The address of the field.</param>
    /// <param name="target">The address that it is to lead to.</param>
    internal abstract bool MayLeadTo(ReadOnlySpan<byte> code, int field, ulong place, ulong target);

    /// <summary>Decodes a range of a section, one instruction after the other. Bytes that are none come as such.</summary>
    /// <param name="section">The section.</param>
    /// <param name="start">Offset of the first instruction.</param>
    /// <param name="end">Offset behind the last one.</param>
    internal abstract IEnumerable<MachineInstruction> Decode(ElfSection section, ulong start, ulong end);
}
