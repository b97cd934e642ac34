using System.Text;

namespace Elivepatch.Elf.Dwarf;

/// <summary>Names of debugging information, each read once. Latin-1, as the names of symbols.</summary>
internal sealed class DwarfStrings(int informationLength)
{
    /// <summary>No identifier or path of a C unit is longer; what is done for every name then stays cheap.</summary>
    private const int LongestName = 4096;

    private readonly Dictionary<(DwarfSection, int), string> _known = [];
    private NameBudget _budget = new(informationLength);

    /// <summary>The zero-terminated string at an offset.</summary>
    public string Read(DwarfSection section, int offset)
    {
        if (_known.TryGetValue((section, offset), out var text))
        {
            return text;
        }

        var bytes = section.At(offset).ReadString();
        if (bytes.Length > LongestName)
        {
            throw new ElfFormatException($"{section.Name} at offset 0x{offset:x}: a name of {bytes.Length} bytes");
        }

        _budget.Spend(bytes.Length);
        text = Encoding.Latin1.GetString(bytes);
        _known.Add((section, offset), text);
        return text;
    }

    /// <summary>The name of an entry; empty where it has none.</summary>
    public string NameOf(in DebugEntry entry) => entry.NameSection is null ? "" : Read(entry.NameSection, entry.NameOffset);
}
