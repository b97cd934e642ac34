using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// What <c>klp_write_section_relocs()</c> and <c>klp_resolve_symbols()</c> in <c>kernel/livepatch/core.c</c> read, and
/// <c>Documentation/livepatch/module-elf-format.rst</c> describes. That <c>sh_link</c> names the symbol table and that entries
/// have the right size is seen to by <see cref="ElfReader"/>, which takes nothing else for relocations.
/// </summary>
internal static class LivepatchRelocationRules
{
    private const ElfSectionFlags Flags = ElfSectionFlags.Alloc | ElfSectionFlags.InfoLink | ElfSectionFlags.RelaLivepatch;

    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        Rule("livepatch-section-name", "Livepatch relocation sections are named after an object and their target", AreNamed),
        Rule("livepatch-section-flags", "Livepatch relocation sections, and no others, have the flags of such", HaveFlags),
        Rule("livepatch-section-target", "Livepatch relocations change only what is loaded", HaveLoadedTargets),
        Rule(
            "livepatch-symbol-place",
            "Livepatch relocations refer to symbols with the section index of livepatch symbols",
            HavePlace
        ),
        Rule("livepatch-symbol-name", "Names of livepatch symbols have object, name and position", AreWellFormed),
        Rule("livepatch-symbol-length", "Names of livepatch symbols fit the kernel's buffers", AreShort),
        Rule("livepatch-vmlinux-section", "Sections for vmlinux refer to symbols of vmlinux alone", VmlinuxUsesVmlinux),
        Rule("livepatch-module-section", "Sections for a module refer to no symbol of vmlinux", ModulesAvoidVmlinux),
        Rule(
            "livepatch-module-needed",
            "Code and data of a module refer to other modules only where it depends on them",
            ModulesNeedOthers
        ),
        Rule("livepatch-module-late", "What is written when a module comes is plain code and data", ModulesChangePlainSections),
        Rule("livepatch-not-ordinary", "No ordinary relocation refers to a livepatch symbol", AreNotOrdinary),
        new(
            "livepatch-symbol-exists",
            "Every livepatch symbol exists in the kernel at its position",
            SelfCheckProblems.UnresolvableSymbol,
            Exist
        ),
    ];

    private static ModuleRule Rule(string id, string title, Func<RuleContext, RuleFinding> check) =>
        new(id, title, SelfCheckProblems.WrongLivepatchRelocations, check);

    private static RuleFinding AreNamed(RuleContext context) =>
        RuleFinding.Of(
            context
                .Livepatch.Where(s =>
                    RuleContext.ObjectOf(s) is not { Length: <= KernelLimits.ModuleName } name
                    || s.Name != $"{RuleContext.LivepatchSectionPrefix}{name}.{s.Target.Name}"
                )
                .Select(s => $"{s.Name} relocates {s.Target.Name}"),
            $"{context.Livepatch.Count} sections"
        );

    private static RuleFinding HaveFlags(RuleContext context) =>
        RuleFinding.Of(
            context
                .Livepatch.Where(s => !s.Has(Flags) || !RuleContext.HasLivepatchName(s))
                .Select(s => $"{s.Name} has flags 0x{(ulong)s.Flags:x}")
                .Concat(
                    context
                        .Elf.Sections.Where(s => s is not ElfRelocationSection && s.Has(ElfSectionFlags.RelaLivepatch))
                        .Select(s => $"{s.Name} has the flag of livepatch relocations, but is not such a section")
                ),
            $"0x{(ulong)Flags:x}"
        );

    private static RuleFinding HaveLoadedTargets(RuleContext context) =>
        RuleFinding.Of(
            context
                .Livepatch.Where(s => !s.Target.Has(ElfSectionFlags.Alloc))
                .Select(s => $"{s.Name} relocates {s.Target.Name}, which is not loaded"),
            $"{context.Livepatch.Count} sections"
        );

    private static RuleFinding HavePlace(RuleContext context)
    {
        var used = Used(context)
            .Where(u => u.Symbol is not { Place: ElfSymbolPlace.Livepatch })
            .Select(u => $"{u.Section.Name} refers to {u.Symbol?.ToString() ?? "no symbol"}");
        var unused = context
            .Elf.Symbols.Where(s => s.Place != ElfSymbolPlace.Livepatch && IsNamedLivepatch(s))
            .Select(s => $"{s.Name} is {s.Place}");
        return RuleFinding.Of(used.Concat(unused).Distinct(), $"{context.Module.LivepatchReferences.Count} symbols");
    }

    private static RuleFinding AreWellFormed(RuleContext context) =>
        RuleFinding.Of(
            context
                .Elf.Symbols.Where(s => (s.Place == ElfSymbolPlace.Livepatch || IsNamedLivepatch(s)) && !IsWellFormed(s.Name))
                .Select(s => $"'{s.Name}'"),
            $"{context.Module.LivepatchReferences.Count} symbols"
        );

    // The kernel reads the name up to the first comma, not the last.
    private static bool IsWellFormed(string name) =>
        LivepatchSymbol.TryParse(name) is { } symbol
        && !symbol.Name.Contains(',', StringComparison.Ordinal)
        && symbol.SymbolName == name;

    private static RuleFinding AreShort(RuleContext context)
    {
        var longest = context.IsBefore(6, 1) ? KernelLimits.SymbolNameBefore61 : KernelLimits.SymbolName;
        return RuleFinding.Of(
            context
                .Module.LivepatchReferences.Select(r => r.Symbol)
                .Where(s => s.ObjectName.Length > KernelLimits.ModuleName || s.Name.Length > longest)
                .Select(s =>
                    $"{s.ObjectName} has {s.ObjectName.Length} of at most {KernelLimits.ModuleName} characters, {s.Name} {s.Name.Length} of {longest}"
                ),
            $"at most {KernelLimits.ModuleName} and {longest} characters"
        );
    }

    private static RuleFinding VmlinuxUsesVmlinux(RuleContext context) =>
        RuleFinding.Of(OfOtherObjects(context, sectionIsVmlinux: true), "none refers to a module");

    private static RuleFinding ModulesAvoidVmlinux(RuleContext context) =>
        context.IsBefore(5, 8)
            ? RuleFinding.Passed("allowed before 5.8")
            : RuleFinding.Of(OfOtherObjects(context, sectionIsVmlinux: false), "none refers to vmlinux");

    private static IEnumerable<string> OfOtherObjects(RuleContext context, bool sectionIsVmlinux) =>
        from used in Used(context)
        where RuleContext.ObjectOf(used.Section) is { } name && name == VmlinuxTarget.Name == sectionIsVmlinux
        let symbol = used.Symbol is null ? null : LivepatchSymbol.TryParse(used.Symbol.Name)
        where symbol is not null && symbol.ObjectName == VmlinuxTarget.Name != sectionIsVmlinux
        select $"{used.Section.Name} refers to {symbol.Name} of {symbol.ObjectName}";

    private static RuleFinding ModulesNeedOthers(RuleContext context)
    {
        var others = (
            from used in Used(context)
            let user = RuleContext.ObjectOf(used.Section)
            where user is not null and not VmlinuxTarget.Name && used.Symbol is not null
            let symbol = LivepatchSymbol.TryParse(used.Symbol.Name)
            where symbol is not null && symbol.ObjectName != user && symbol.ObjectName != VmlinuxTarget.Name
            select (User: user, Symbol: symbol)
        ).ToList();
        var unknown = others.Where(o => context.Objects?.FindModule(o.User) is null).Select(o => o.User).ToHashSet();
        var faults =
            from other in others
            where context.Objects?.FindModule(other.User)?.Needs(other.Symbol.ObjectName) == false
            select $"{other.User} does not depend on {other.Symbol.ObjectName}, which has {other.Symbol.Name}";
        return unknown.Count > 0 && !faults.Any()
            ? RuleFinding.NotCheckable($"the record has no file of {string.Join(", ", unknown.Order(StringComparer.Ordinal))}")
            : RuleFinding.Of(faults.Distinct(), "none refers to others that may be absent");
    }

    // percpu_modcopy(), module_finalize() and the notifiers of a module's loading have read these by then.
    private static RuleFinding ModulesChangePlainSections(RuleContext context) =>
        RuleFinding.Of(
            from section in context.Livepatch
            where
                RuleContext.ObjectOf(section) is not null and not VmlinuxTarget.Name
                && (
                    ReadModule.IsTable(context.Architecture, section.Target)
                    || context.Architecture.Sections.Replacements.Contains(section.Target.Name)
                    || ModuleLoader.IsPerCpu(section.Target)
                )
            select $"{section.Name} changes {section.Target.Name}, which is read when the livepatch is loaded",
            "all is"
        );

    private static RuleFinding AreNotOrdinary(RuleContext context)
    {
        var faults =
            from section in context.Loaded
            where !section.Has(ElfSectionFlags.RelaLivepatch) && !RuleContext.HasLivepatchName(section)
            from relocation in section.Entries
            where relocation.Symbol is { } symbol && (symbol.Place == ElfSymbolPlace.Livepatch || IsNamedLivepatch(symbol))
            select $"{RuleContext.At(section, relocation)} refers to {relocation.Symbol}";
        return RuleFinding.Of(faults, "none does");
    }

    private static RuleFinding Exist(RuleContext context)
    {
        if (context.Kernel.Symbols is null)
        {
            return RuleFinding.NotCheckable("the kernel's symbols are not known");
        }

        var unknown = new HashSet<string>(StringComparer.Ordinal);
        var faults = new List<string>();
        foreach (var symbol in context.Module.LivepatchReferences.Select(r => r.Symbol))
        {
            if (context.Named(symbol.ObjectName, symbol.Name) is not { } symbols)
            {
                unknown.Add(symbol.ObjectName);
            }
            else if (
                (
                    CheckPosition(symbol.Position, symbols.Count)
                    ?? context.CountedTwice(symbol.ObjectName, symbol.Name, symbol.Position)
                ) is
                { } fault
            )
            {
                faults.Add($"{symbol.Name} of {symbol.ObjectName}: {fault}");
            }
        }

        return faults.Count == 0 && unknown.Count > 0
            ? RuleFinding.NotCheckable($"the record has no symbols of {string.Join(", ", unknown.Order(StringComparer.Ordinal))}")
            : RuleFinding.Of(faults, $"{context.Module.LivepatchReferences.Count} symbols");
    }

    /// <summary>What is wrong with a position among so many symbols of one name; null where nothing is.</summary>
    public static string? CheckPosition(Sympos position, int count) =>
        (count, position.Value) switch
        {
            (0, _) => "there is no such symbol",
            (> 1, 0) => $"position 0, but there are {count} of the name",
            _ when position.Value > count => $"position {position} of {count}",
            _ => null,
        };

    /// <summary>Each symbol that a livepatch relocation section refers to, once a section.</summary>
    private static IEnumerable<(ElfRelocationSection Section, ElfSymbol? Symbol)> Used(RuleContext context) =>
        context.Livepatch.SelectMany(s => s.Entries.Select(r => (s, r.Symbol)).Distinct());

    private static bool IsNamedLivepatch(ElfSymbol symbol) =>
        symbol.Name.StartsWith(LivepatchSymbol.Prefix, StringComparison.Ordinal);
}
