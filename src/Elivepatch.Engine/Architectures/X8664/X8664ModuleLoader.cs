using Elivepatch.Elf;

namespace Elivepatch.Engine.Architectures.X8664;

/// <summary><c>__write_relocate_add()</c> in <c>arch/x86/kernel/module.c</c>.</summary>
internal sealed class X8664ModuleLoader : ModuleLoader
{
    /// <summary>
    /// The kernel and its modules lie in the top 2 GiB of the address space; modules end 16 MiB below its end. An address in the
    /// low part, such as that of a per-cpu variable before 6.15, is reached by wrapping around, but not with much behind it.
    /// </summary>
    private const long LowestTarget = int.MinValue,
        HighestTarget = 1 << 29;

    public override bool NeedsZero => true;

    public override bool Applies(RelocationType type) => type.IsNone || type.IsKnown;

    public override bool Fits(RelocationType type, ElfRelocation relocation, ElfSymbol symbol, long? address)
    {
        if (type.Size != sizeof(uint) || !type.IsKnown)
        {
            return true;
        }

        // Zero-extended: no address of the kernel or of a module is as low as that.
        var isUnsigned = type == X8664Relocations.Absolute32;
        if (isUnsigned && (symbol.IsDefined ? !IsPerCpu(symbol.Section!) : address is < 0))
        {
            return false;
        }

        if (address is { } known)
        {
            return Sum(known, relocation.Addend) is >= LowestTarget and <= HighestTarget;
        }

        // Somewhere in the top 2 GiB. In this module the place itself is known.
        if (symbol.IsDefined && !isUnsigned)
        {
            return Math.Abs(Sum(unchecked((long)symbol.Value), relocation.Addend)) < HighestTarget;
        }

        return relocation.Addend is > int.MinValue and < int.MaxValue;
    }

    // mov $imm32 (48 c7 c7), lea disp32(%rip) (48 8d 3d), movabs $imm64 (48 bf); the register is %rdi.
    public override bool LoadsFirstArgument(ReadOnlySpan<byte> code, ElfRelocation relocation, out long bias)
    {
        bias = 0;
        if (relocation.Offset > (ulong)code.Length)
        {
            return false;
        }

        var before = code[..(int)relocation.Offset];
        var type = relocation.Type;
        if (type == X8664Relocations.Absolute32Signed.Number)
        {
            return before.EndsWith((ReadOnlySpan<byte>)[0x48, 0xc7, 0xc7]);
        }

        if (type == X8664Relocations.Absolute64.Number)
        {
            return before.EndsWith((ReadOnlySpan<byte>)[0x48, 0xbf]);
        }

        bias = sizeof(int);
        return type == X8664Relocations.Pc32.Number && before.EndsWith((ReadOnlySpan<byte>)[0x48, 0x8d, 0x3d]);
    }

    private static long Sum(long a, long b) => (long)Int128.Clamp((Int128)a + b, -long.MaxValue, long.MaxValue);
}
