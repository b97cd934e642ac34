using System.Security.Cryptography;
using System.Text;

namespace Elivepatch.Elf.Tests;

/// <summary>All that an object says, as text: two models are equal when their texts are.</summary>
internal static class ModelText
{
    public static string Of(ElfObject elf)
    {
        var text = new StringBuilder();
        var sections = elf.Sections.Select((s, i) => (s, i)).ToDictionary(p => p.s, p => p.i);
        var symbols = elf.Symbols.Select((s, i) => (s, i)).ToDictionary(p => p.s, p => p.i);
        string Section(ElfSection? s) => s is null ? "-" : sections[s].ToString();
        string Symbol(ElfSymbol? s) => s is null ? "-" : symbols[s].ToString();

        text.AppendLine($"{elf.FileType} {elf.Order} {elf.Machine} {elf.OsAbi} {elf.AbiVersion} {elf.Flags:x} {elf.Entry:x}");
        foreach (var s in elf.Sections)
        {
            text.Append(
                $"{Section(s)} {s.GetType().Name} {s.Name} {s.Type} {(ulong)s.Flags:x} {s.Address:x} {s.Alignment} {s.EntrySize} "
            );
            text.Append($"link {Section(s.Link)} {s.LinkedTable} info {s.Info:x} {Section(s.InfoSection)} ");
            text.Append($"relocations {Section(s.Relocations)} size {s.Size:x} ");
            if (s.Content.Length > 0)
            {
                text.Append(
                    s.Content.Length <= 32 ? Convert.ToHexString(s.Content) : Convert.ToHexString(SHA256.HashData(s.Content))
                );
            }

            text.AppendLine();
            if (s is ElfRelocationSection rela)
            {
                text.AppendLine($" target {Section(rela.Target)}");
                foreach (var r in rela.Entries)
                {
                    text.AppendLine($" {r.Offset:x} {r.Type} {Symbol(r.Symbol)} {r.Addend}");
                }
            }
            if (s is ElfGroupSection group)
            {
                text.AppendLine(
                    $" {group.GroupFlags} {Symbol(group.Signature)}: {string.Join(' ', group.Members.Select(Section))}"
                );
            }
        }
        foreach (var s in elf.Symbols)
        {
            text.AppendLine(
                $"{Symbol(s)} {s.Name} {s.Binding} {s.Type} {s.Other:x} {s.Place} {Section(s.Section)} "
                    + $"{s.ReservedIndex:x} {s.Value:x} {s.Size:x}"
            );
        }
        return text.ToString();
    }
}
