using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// Lists of BTF ids (<c>include/linux/btf_ids.h</c>). The compiler leaves zeroes; for a module of the kernel's own build
/// <c>resolve_btfids</c> fills in the numbers of the module's <c>.BTF</c>. Zero is no id: a list of zeroes contains nothing, and
/// code that asks it decides wrongly.
/// </summary>
internal static class IdListRules
{
    public static IReadOnlyList<ModuleRule> All { get; } =
    [new("btf-ids-resolved", "BTF ids that the module uses are filled in", SelfCheckProblems.UnresolvedIds, AreResolved)];

    private static RuleFinding AreResolved(RuleContext context)
    {
        var sections = context.Elf.Sections.Where(s => s.Name == SectionRules.BtfIds && s.Size > 0).ToList();
        var used = context.Loaded.SelectMany(s => s.Entries).Select(r => r.Symbol?.Section).ToHashSet();
        return RuleFinding.Of(
            sections.Where(used.Contains).SelectMany(s => Unresolved(context.Elf, s)),
            $"{sections.Sum(s => (long)s.Size)} bytes of lists"
        );
    }

    // What an id is shows by its symbol; without symbols a section of nothing but zeroes shows that nobody has filled it in. Sets
    // are sorted when they are filled in, so that a member that was left free on purpose is found at another one's symbol.
    private static IEnumerable<string> Unresolved(ElfObject elf, ElfSection section)
    {
        var ids = elf.Symbols.Where(s => s.IsDefined && s.Section == section && BtfIdList.IdOf(s.Name) is not null).ToList();
        if (ids.Count == 0 && section.Content.AsSpan().IndexOfAnyExcept((byte)0) < 0)
        {
            yield return $"{section.Name} has no id at all";
        }

        var lists = BtfIdList.Read(elf.Order, section, elf.Symbols).ToList();
        foreach (var members in ids.Where(s => !BtfIdList.IsSet(s)).GroupBy(s => lists.Find(l => l.Contains(s.Value))))
        {
            var isSet = members.Key?.Symbols.Any(BtfIdList.IsSet) == true;
            var zeroes = members.Where(s => IsZero(section, s.Value)).ToList();
            if (zeroes.Count > 0 && (!isSet || zeroes.Count == members.Count()))
            {
                yield return $"{members.Key?.Name ?? section.Name} has no id of {BtfIdList.IdOf(zeroes[0].Name)}";
            }
        }
    }

    private static bool IsZero(ElfSection section, ulong offset) =>
        offset + sizeof(uint) > (ulong)section.Content.Length
        || section.Content.AsSpan((int)offset, sizeof(uint)).IndexOfAnyExcept((byte)0) < 0;
}
