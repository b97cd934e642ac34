using System.Globalization;
using System.Text;
using Elivepatch.Elf;

namespace Elivepatch.Kernel.Tests.Differential;

/// <summary>A function that a livepatch replaces.</summary>
/// <param name="OldName">The kernel's name of the old one.</param>
/// <param name="Position">Which of that name; 0 for the only one.</param>
/// <param name="Section">Where the new one is.</param>
/// <param name="Start">Its first byte, as an offset in the section.</param>
internal sealed record PlainReplacement(string OldName, int Position, ElfSection Section, ulong Start);

/// <summary>
/// A livepatch of one object, read as simply as can be: its list of functions and what its fields mean.
/// </summary>
internal sealed class PlainLivepatch(ElfObject elf)
{
    // include/linux/livepatch.h: old_name, new_func, old_sympos are the first three members, eight bytes each.
    private const int Word = 8;
    private const string List = "elivepatch_funcs_0";

    /// <summary>The relocations of a section, ordinary ones and livepatch ones, by offset.</summary>
    public IReadOnlyDictionary<ulong, ElfRelocation> FieldsOf(ElfSection section) =>
        elf
            .RelocationSections.Where(r => r.Target == section)
            .SelectMany(r => r.Entries)
            .Where(r => r.Type != 0)
            .ToDictionary(r => r.Offset);

    /// <summary>The functions of the first object.</summary>
    public IReadOnlyList<PlainReplacement> ReadList()
    {
        var list = elf.Symbols.Single(s => s.Name == List && s.IsDefined);
        var fields = FieldsOf(list.Section!).Where(f => f.Key >= list.Value && f.Key < list.Value + list.Size);
        var words = fields.OrderBy(f => f.Key).ToList();
        var found = new List<PlainReplacement>();
        for (var i = 0; i + 1 < words.Count; i += 2)
        {
            var (name, code) = (words[i].Value, words[i + 1].Value);
            Xunit.Assert.Equal(words[i].Key + Word, words[i + 1].Key);
            found.Add(
                new(
                    TextAt(name.Symbol!.Section!, name.Symbol.Value + (ulong)name.Addend),
                    (int)BitConverter.ToUInt64(list.Section!.Content, (int)words[i].Key + 2 * Word),
                    code.Symbol!.Section!,
                    code.Symbol.Value + (ulong)code.Addend
                )
            );
        }

        return found;
    }

    /// <summary>The text at a place, up to its end.</summary>
    public static string TextAt(ElfSection section, ulong offset)
    {
        var text = section.Content.AsSpan((int)offset);
        return Encoding.Latin1.GetString(text[..text.IndexOf((byte)0)]);
    }

    /// <summary>The parts of <c>.klp.sym.OBJECT.NAME,POSITION</c>; null for another name.</summary>
    public static (string ObjectName, string Name, int Position)? Parse(string symbol)
    {
        const string prefix = ".klp.sym.";
        if (!symbol.StartsWith(prefix, StringComparison.Ordinal))
        {
            return null;
        }

        var rest = symbol[prefix.Length..];
        var (dot, comma) = (rest.IndexOf('.', StringComparison.Ordinal), rest.LastIndexOf(','));
        return (rest[..dot], rest[(dot + 1)..comma], int.Parse(rest[(comma + 1)..], CultureInfo.InvariantCulture));
    }
}
