using Elivepatch.Elf;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Tells whether a program can run where there are no shared libraries.</summary>
internal static class StaticProgram
{
    private const ushort X8664 = 62;

    /// <summary>True for an x86-64 ELF file without an interpreter.</summary>
    public static bool Is(ReadOnlySpan<byte> file) =>
        ElfImage.Read(file) is { Order: ElfByteOrder.LittleEndian, Machine: X8664 } image && !image.Segments.Any(s => s.Type == ElfSegmentType.Interpreter);
}
