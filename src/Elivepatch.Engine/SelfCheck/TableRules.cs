using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// What the kernel's tables in a module say of its code. From Linux 6.19 on a warning that prints is handed the address of its
/// <c>struct bug_entry</c> (<c>arch/x86/include/asm/bug.h</c>), and <c>report_bug_entry()</c> in <c>lib/bug.c</c> believes it.
/// </summary>
internal static class TableRules
{
    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        new(
            "warning-entries",
            "Code hands to a warning the entry of __bug_table that describes it",
            SelfCheckProblems.WrongSections,
            AreOwnEntries
        ),
    ];

    private static RuleFinding AreOwnEntries(RuleContext context)
    {
        var uses = context
            .CodeUses.All.Where(u => u.Relocation.Symbol is { IsDefined: true, Section.Name: SectionRules.BugTable })
            .ToList();
        if (uses.Count == 0)
        {
            return RuleFinding.Passed("no code refers to one");
        }

        var table = uses[0].Relocation.Symbol!.Section!;
        if ((ReadModule.EntrySize(table, context.Kernel.Layouts) ?? FindSize(context, table)) is not { } size)
        {
            return RuleFinding.NotCheckable("the size of an entry is not known");
        }

        // The first field of an entry is the place that it describes.
        var places = context
            .Loaded.Where(s => s.Target == table)
            .SelectMany(s => s.Entries)
            .GroupBy(r => r.Offset)
            .ToDictionary(g => g.Key, g => g.First());
        return RuleFinding.Of(
            uses.Where(u => !IsOwn(u)).Select(u => $"{RuleContext.At(u.Section, u.Relocation)} in {u.Function}"),
            $"{uses.Count} references"
        );

        bool IsOwn(CodeUse use)
        {
            var entry = unchecked(use.Relocation.Symbol!.Value + (ulong)use.Displacement);
            return use.Use == AddressUse.Value
                && use.Relocation.Symbol.Section == table
                && entry % size == 0
                && places.TryGetValue(entry, out var place)
                && place.Symbol?.Section == use.Section.Target
                && FunctionsAt(place).Contains(use.Function);
        }

        // One function may have several names.
        IEnumerable<string> FunctionsAt(ElfRelocation place)
        {
            var offset = unchecked(place.Symbol!.Value + (ulong)place.Addend);
            return context
                    .Elf.Symbols.Where(s => s is { IsFunction: true } && s.Section == place.Symbol.Section && s.Value <= offset)
                    .GroupBy(s => s.Value)
                    .MaxBy(g => g.Key)
                    ?.Select(s => s.Name)
                ?? [];
        }
    }

    private static ulong? FindSize(RuleContext context, ElfSection table) =>
        EntryStride.Infer(table, context.Architecture.Sections) is > 0 and var found ? found : null;
}
