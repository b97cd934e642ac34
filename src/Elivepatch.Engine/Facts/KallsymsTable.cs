// The lines of /proc/kallsyms as arrays: in goes nothing but what the parser found, out come names and addresses by line number.
using System.Text;

namespace Elivepatch.Engine.Facts;

/// <summary>The symbols of all objects, in file order. Names stay in the bytes of the file until somebody asks for one.</summary>
internal sealed class KallsymsTable(
    ReadOnlyMemory<byte> text,
    ulong[] addresses,
    byte[] types,
    int[] nameStarts,
    ushort[] nameLengths
)
{
    /// <summary>Address of each symbol.</summary>
    public ulong[] Addresses { get; } = addresses;

    /// <summary>Type letter of each symbol.</summary>
    public byte[] Types { get; } = types;

    /// <summary>The symbol of this line.</summary>
    public KernelSymbol this[int index] => new(Encoding.ASCII.GetString(NameBytes(index)), Addresses[index], (char)Types[index]);

    /// <summary>The hash that the name indexes use. Seeded per process, so that no file can aim at one chain.</summary>
    public static uint Hash(ReadOnlySpan<byte> name)
    {
        HashCode hash = default;
        hash.AddBytes(name);
        return (uint)hash.ToHashCode();
    }

    /// <summary>The name of the symbol of this line, as it stands in the file.</summary>
    public ReadOnlySpan<byte> NameBytes(int index) => text.Span.Slice(nameStarts[index], nameLengths[index]);

    /// <summary>True where the symbol of this line has this name.</summary>
    public bool HasName(int index, string name) => Ascii.Equals(NameBytes(index), name);
}
