using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// New code must not go on in the middle of old code, by its own jumps or by a table that holds addresses inside a function:
/// labels as values, switch tables. Such a table belongs to the code of its function, and each copy of the function has its own.
/// </summary>
internal static class ReplacedCodeRules
{
    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        new(
            "old-code-entry",
            "No reference leads inside a function of the kernel",
            SelfCheckProblems.JumpsIntoOldCode,
            LeadToEntries
        ),
        new(
            "old-code-labels",
            "No table of the kernel that is used leads inside a replaced function",
            SelfCheckProblems.JumpsIntoOldCode,
            AvoidOldTables
        ),
    ];

    private static RuleFinding LeadToEntries(RuleContext context)
    {
        if (context.Kernel.Symbols is null)
        {
            return RuleFinding.NotCheckable("the kernel's symbols are not known");
        }

        var faults =
            from reference in References(context)
            where
                context.Architecture.TypeOf(reference.Relocation) is { IsKnown: true, Size: > 0 }
                && context.KernelSymbolOf(reference.Relocation.Symbol) is { } function
                && context.IsCode(function.ObjectName, function.Symbol)
                && IsInside(context, reference.Relocation.Symbol!, function, reference.Displacement)
            let to = $"{reference.Relocation.Symbol}{reference.Displacement:+0;-0}"
            select $"{RuleContext.At(reference.Section, reference.Relocation)} leads to {to}";
        return RuleFinding.Of(faults, "none does");
    }

    // What is not the function's own entry can be that of a neighbour. To compare addresses GCC writes "above start - 1".
    private static bool IsInside(
        RuleContext context,
        ElfSymbol symbol,
        (string ObjectName, KernelSymbol Symbol) function,
        long displacement
    )
    {
        if (displacement is 0 or -1 || context.SymbolsOf(symbol) is not { } symbols)
        {
            return false;
        }

        var place = unchecked(function.Symbol.Address + (ulong)displacement);
        var before = symbols.Between(place - ObjectSymbols.Longest, place + 1).DefaultIfEmpty().MaxBy(s => s.Address);
        return before.Address != place && before.Address != 0 && context.IsCode(function.ObjectName, before);
    }

    private static IEnumerable<(ElfRelocationSection Section, ElfRelocation Relocation, long Displacement)> References(
        RuleContext context
    )
    {
        var inCode = new HashSet<ElfRelocation>(ReferenceEqualityComparer.Instance);
        foreach (var use in context.CodeUses.All)
        {
            inCode.Add(use.Relocation);
            yield return (use.Section, use.Relocation, use.Displacement);
        }

        foreach (var section in context.Loaded)
        {
            var isCode = section.Target.Has(ElfSectionFlags.Execute);
            foreach (var relocation in section.Entries.Where(r => !inCode.Contains(r)))
            {
                // A call or jump that nothing else explains.
                var isBranch = isCode && context.Architecture.TypeOf(relocation).IsShortRelative;
                yield return (section, relocation, relocation.Addend + (isBranch ? context.Architecture.BranchBias : 0));
            }
        }
    }

    private static RuleFinding AvoidOldTables(RuleContext context)
    {
        var known = context
            .Module.Objects.Select(o => (Object: o, Target: context.Objects?.Find(o.DisplayName)))
            .Where(o => o.Target?.Image is not null)
            .ToList();
        if (known.Count == 0)
        {
            return RuleFinding.NotCheckable("only the image of what is patched shows what its data leads to");
        }

        var replaced = known.Select(o => (Target: o.Target!, Functions: Replaced(context, o.Object, o.Target!).ToList()));
        var used = context
            .Loaded.SelectMany(s => s.Entries)
            .Select(r => r.Symbol)
            .Distinct()
            .Select(context.KernelSymbolOf)
            .Where(s => s is { } found && !context.IsCode(found.ObjectName, found.Symbol))
            .Select(s => s!.Value)
            .DistinctBy(s => (s.ObjectName, s.Symbol.Address))
            .ToLookup(s => s.ObjectName, s => s.Symbol);
        var faults =
            from item in replaced
            from table in used[item.Target.ObjectName]
            let function = FirstInside(context.Architecture.Order, table, item.Functions, item.Target)
            where function is not null
            select $"{table.Name} leads inside {function}";
        var count = known.Sum(o => o.Object.Functions.Count);
        return known.Count < context.Module.Objects.Count && !faults.Any()
            ? RuleFinding.Passed($"{count} functions are replaced in {known.Count} objects whose data is known")
            : RuleFinding.Of(faults, $"{count} functions are replaced");
    }

    // Functions of an object and their cold parts, with the places that are not their entry.
    private static IEnumerable<(string Name, ulong First, ulong End)> Replaced(
        RuleContext context,
        PatchedObject patched,
        PatchTarget target
    )
    {
        foreach (var entry in patched.Functions)
        {
            if (
                entry.OldName is not { } name
                || RuleContext.At(context.Named(patched.Name, name), entry.OldPosition) is not { } function
            )
            {
                continue;
            }

            yield return (name, function.Address + 1, target.Symbols.EndOf(function));
            if (target.Symbols.Named(name + SymbolNames.ColdSuffix) is [var cold])
            {
                yield return (cold.Name, cold.Address, target.Symbols.EndOf(cold));
            }
        }
    }

    // The linker puts such tables among constants and data; other sections are lists of the kernel's own, read at its start.
    private static string? FirstInside(
        ElfByteOrder order,
        KernelSymbol table,
        List<(string Name, ulong First, ulong End)> functions,
        PatchTarget target
    )
    {
        var image = target.Image!;
        var start = image.ToLink(table.Address);
        if (
            image.SectionAt(start) is not { } section
            || !(
                section.Name.StartsWith(".rodata", StringComparison.Ordinal)
                || section.Name.StartsWith(".data", StringComparison.Ordinal)
            )
        )
        {
            return null;
        }

        var bytes = image.BytesFrom(start);
        var size = Math.Min((ulong)bytes.Length, target.Symbols.EndOf(table) - table.Address);
        var first = (sizeof(ulong) - (start % sizeof(ulong))) % sizeof(ulong);
        for (var offset = first; offset + sizeof(ulong) <= size; offset += sizeof(ulong))
        {
            var address = image.ToRunning(order.ReadUInt64(bytes[(int)offset..]));
            if (functions.FindIndex(f => address >= f.First && address < f.End) is >= 0 and var index)
            {
                return functions[index].Name;
            }
        }

        return null;
    }
}
