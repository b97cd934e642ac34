using System.Text;
using Elivepatch.Elf;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// The checksums of exported symbols that a module expects: <c>__versions</c>, an array of <c>struct modversion_info { unsigned
/// long crc; char name[56]; }</c>, and from 6.14 for longer names <c>__version_ext_crcs</c> and <c>__version_ext_names</c>
/// (<c>kernel/module/version.c</c>).
/// </summary>
internal static class SymbolVersions
{
    private const int EntrySize = 64,
        NameOffset = 8;

    /// <summary>Checksums by symbol name; the first of a name counts, as for the kernel.</summary>
    public static Dictionary<string, uint> Read(ElfObject elf)
    {
        var versions = new Dictionary<string, uint>(StringComparer.Ordinal);
        var entries = (elf.FindSection("__versions")?.Content ?? []).AsSpan();
        for (; entries.Length >= EntrySize; entries = entries[EntrySize..])
        {
            versions.TryAdd(Name(entries[NameOffset..EntrySize]), (uint)elf.Order.ReadUInt64(entries));
        }

        var checksums = (elf.FindSection("__version_ext_crcs")?.Content ?? []).AsSpan();
        var names = (elf.FindSection("__version_ext_names")?.Content ?? []).AsSpan();
        for (; checksums.Length >= sizeof(uint) && names.Length > 0; checksums = checksums[sizeof(uint)..])
        {
            var name = Name(names);
            versions.TryAdd(name, elf.Order.ReadUInt32(checksums));
            names = names[Math.Min(name.Length + 1, names.Length)..];
        }

        return versions;
    }

    private static string Name(ReadOnlySpan<byte> text)
    {
        var length = text.IndexOf((byte)0);
        return Encoding.Latin1.GetString(length < 0 ? text : text[..length]);
    }
}
