using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Tells whether a program can run where there are no shared libraries.</summary>
internal static class StaticProgram
{
    /// <summary>True for an ELF file for this processor without an interpreter.</summary>
    public static bool IsStatic(Architecture architecture, ReadOnlySpan<byte> file) =>
        ElfImage.Read(file) is { } image
        && image.Order == architecture.Order
        && image.Machine == architecture.Machine
        && !image.Segments.Any(s => s.Type == ElfSegmentType.Interpreter);
}
