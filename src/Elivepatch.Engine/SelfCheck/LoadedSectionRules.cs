using Elivepatch.Elf;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>Sections that the module loader would not find, find twice, or misread (<c>kernel/module/main.c</c>).</summary>
internal static class LoadedSectionRules
{
    /// <summary>What tools leave between their steps: in a finished module it means that a step was left out.</summary>
    private static readonly string[] intermediates =
    [
        "__klp_relocs",
        ".klp.relocs",
        ".init.klp_relocs",
        ".kpatch.symbols",
        ".kpatch.relocations",
        ".kpatch.strings",
        ".kpatch.dynrelas",
    ];

    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        new("sections-unique", "No two loaded sections share a name", SelfCheckProblems.WrongSections, AreUnique),
        new(
            "sections-finished",
            "No section is left over from an unfinished build or for an older kernel",
            SelfCheckProblems.WrongSections,
            AreFinished
        ),
        new("tables-whole", "Tables consist of whole entries", SelfCheckProblems.WrongSections, AreWhole),
    ];

    // Tables are found by name, the first or the last one by different parts of the kernel; others collide in sysfs.
    private static RuleFinding AreUnique(RuleContext context)
    {
        var names = context.Elf.Sections.Where(s => s.Has(ElfSectionFlags.Alloc) && HasContent(s)).GroupBy(s => s.Name).ToList();
        return RuleFinding.Of(
            names.Where(g => g.Count() > 1).Select(g => $"{g.Count()} are named {g.Key}"),
            $"{names.Count} sections"
        );
    }

    private static bool HasContent(ElfSection section) =>
        section is ElfRelocationSection { Entries.Count: > 0 } || section.Size > 0;

    private static RuleFinding AreFinished(RuleContext context) =>
        RuleFinding.Of(
            context
                .Elf.Sections.Where(s =>
                    Array.IndexOf(intermediates, s.Name) >= 0
                    || (!context.IsBefore(5, 8) && s.Name.StartsWith(".klp.arch.", StringComparison.Ordinal))
                )
                .Select(s => s.Name),
            "none is"
        );

    private static RuleFinding AreWhole(RuleContext context)
    {
        var tables = context
            .Elf.Sections.Where(s => ReadModule.IsTable(context.Architecture, s) && s.Size > 0)
            .Select(s => (Section: s, Size: ReadModule.EntrySize(s, context.Kernel.Layouts)))
            .ToList();
        var faults = tables
            .Where(t => t.Size is { } size && t.Section.Size % size != 0)
            .Select(t => $"{t.Section.Name} has {t.Section.Size} bytes in entries of {t.Size}")
            .ToList();
        return faults.Count == 0 && tables.Exists(t => t.Size is null)
            ? RuleFinding.NotCheckable(
                $"the entry size of {string.Join(", ", tables.Where(t => t.Size is null).Select(t => t.Section.Name).Distinct().Take(16))} is not known"
            )
            : RuleFinding.Of(faults, $"{tables.Count} tables");
    }
}
