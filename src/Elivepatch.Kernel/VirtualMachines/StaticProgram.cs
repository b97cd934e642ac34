using System.Buffers.Binary;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Tells whether a program can run where there are no shared libraries.</summary>
internal static class StaticProgram
{
    private const int HeaderSize = 64;
    private const int ProgramHeaderSize = 56;
    private const uint Interpreter = 3; // PT_INTERP

    /// <summary>True for an x86-64 ELF file without an interpreter (ELF specification, program headers).</summary>
    public static bool Is(ReadOnlySpan<byte> file)
    {
        if (file.Length < HeaderSize || !file.StartsWith("\u007fELF\u0002\u0001"u8) || BinaryPrimitives.ReadUInt16LittleEndian(file[18..]) != 62)
            return false;
        var offset = BinaryPrimitives.ReadUInt64LittleEndian(file[32..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(file[56..]);
        if (count == 0 || offset > (ulong)file.Length || (ulong)file.Length - offset < (ulong)count * ProgramHeaderSize)
            return false;
        for (var i = 0; i < count; i++)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(file[((int)offset + (i * ProgramHeaderSize))..]) == Interpreter)
                return false;
        }
        return true;
    }
}
