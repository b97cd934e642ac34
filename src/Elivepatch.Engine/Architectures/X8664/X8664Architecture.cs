// x86-64: the psABI of System V, the kernel's arch/x86, and the decoder.
using System.Buffers.Binary;
using Elivepatch.Elf;
using Iced.Intel;

namespace Elivepatch.Engine.Architectures.X8664;

/// <summary>x86-64.</summary>
public sealed class X8664Architecture : Architecture
{
    private const ushort Number = 62;

    private static readonly byte[] nop = [0x90];
    private static readonly byte[] endbr64 = [0xf3, 0x0f, 0x1e, 0xfa];

    private X8664Architecture()
        : base(Number, ElfByteOrder.LittleEndian, X8664Relocations.All) { }

    /// <summary>It.</summary>
    public static X8664Architecture Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "x86-64";

    /// <inheritdoc/>
    /// <inheritdoc/>
    public override ulong LowestAddress => 1UL << 63; // Documentation/arch/x86/x86_64/mm.rst: kernel addresses are the upper half

    // MODULES_VADDR, arch/x86/include/asm/pgtable_64_types.h.
    internal override ulong ModuleAddress => 0xffffffffc0000000;

    internal override RelocationType Pointer => X8664Relocations.Absolute64;

    /// <inheritdoc/>
    internal override RelocationType Relative => X8664Relocations.Pc32;

    /// <inheritdoc/>
    internal override RelocationType RelativeOperand => X8664Relocations.Pc32;

    /// <inheritdoc/>
    internal override RelocationType Branch => X8664Relocations.Plt32;

    /// <inheritdoc/>
    internal override int BranchBias => sizeof(int);

    /// <inheritdoc/>
    internal override int SmallestField => sizeof(int);

    /// <summary>
    /// The C calling convention of the psABI, section 3.2: rdi, rsi, rdx, rcx, r8, r9; rax and rdx. Registers have the numbers
    /// that instructions encode.
    /// </summary>
    internal override CallingConvention Calls { get; } =
        new([7, 6, 2, 1, 8, 9], (0, 2), [0, 1, 2, 6, 7, 8, 9, 10, 11], 4, 5, 16, sizeof(ulong));

    /// <inheritdoc/>
    internal override StaticBranches StaticBranches { get; } = new X8664StaticBranches();

    /// <inheritdoc/>
    internal override BranchForms Branches { get; } = new X8664BranchForms();

    /// <inheritdoc/>
    internal override SectionTable Sections => X8664Sections.Table;

    /// <inheritdoc/>
    internal override RuntimeConstants RuntimeConstants { get; } = new X8664RuntimeConstants();

    /// <inheritdoc/>
    internal override AlternativeTable Alternatives { get; } = new X8664Alternatives();

    /// <inheritdoc/>
    internal override AssemblyCallees Assembly { get; } = new X8664Assembly();

    /// <summary>
    /// With CONFIG_X86_KERNEL_IBT an indirect call traps unless it lands on ENDBR64. GCC leaves that out of a static function
    /// whose address nobody takes, and objtool lists in .ibt_endbr_seal every function whose address nothing in the linked kernel
    /// takes: <c>apply_seal_endbr()</c> in <c>arch/x86/kernel/alternative.c</c> overwrites theirs while the kernel starts.
    /// </summary>
    internal override IndirectCalls IndirectCalls { get; } = new(".ibt_endbr_seal", "__ibt_endbr_seal", endbr64);

    /// <inheritdoc/>
    internal override ModuleLoader Loader { get; } = new X8664ModuleLoader();

    /// <inheritdoc/>
    internal override ReadOnlySpan<byte> Nop => nop;

    /// <inheritdoc/>
    internal override string FtraceEntry => X8664Assembly.FtraceEntry;

    /// <inheritdoc/>
    internal override bool MayLeadTo(ReadOnlySpan<byte> code, int field, ulong place, ulong target)
    {
        var value = unchecked((ulong)BinaryPrimitives.ReadInt32LittleEndian(code[field..]));
        return field >= 1
            && (value == target || (unchecked(place + sizeof(int) + value) == target && MayBeRelative(code, field)));
    }

    // call, jmp; jcc; an operand relative to the instruction pointer (ModRM with mod 00, rm 101), as that of lea.
    private static bool MayBeRelative(ReadOnlySpan<byte> code, int field) =>
        code[field - 1] is 0xe8 or 0xe9
        || (code[field - 1] & 0xc7) == 0x05
        || (field >= 2 && code[field - 2] == 0x0f && (code[field - 1] & 0xf0) == 0x80);

    /// <inheritdoc/>
    internal override IEnumerable<MachineInstruction> Decode(ElfSection section, ulong start, ulong end)
    {
        end = Math.Min(end, (ulong)section.Content.Length);
        if (start >= end)
        {
            yield break;
        }

        var decoder = Decoder.Create(64, new ByteArrayCodeReader(section.Content, (int)start, (int)(end - start)), start);
        while (decoder.IP < end)
        {
            decoder.Decode(out var instruction);
            yield return new X8664Instruction(instruction, decoder.GetConstantOffsets(instruction));
        }
    }
}
