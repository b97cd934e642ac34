using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// What the module loader of the kernel applies, for ordinary and livepatch relocations alike (<see cref="ModuleLoader"/>).
/// </summary>
internal static class RelocationRules
{
    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        Rule("relocation-type", "Relocations are of types that the kernel applies", HaveKnownTypes),
        Rule("relocation-field-zero", "Relocated fields are zero before relocation", AreZero),
        Rule("relocation-once", "No field is relocated twice", AreRelocatedOnce),
        Rule("relocation-reach", "Relocated fields can hold what they are to hold", Reach),
    ];

    private static ModuleRule Rule(string id, string title, Func<RuleContext, RuleFinding> check) =>
        new(id, title, SelfCheckProblems.WrongRelocations, check);

    private static RuleFinding HaveKnownTypes(RuleContext context) =>
        RuleFinding.Of(
            Each(context)
                .Where(r => !context.Architecture.Loader.Applies(context.Architecture.TypeOf(r.Relocation)))
                .Select(r => $"{RuleContext.At(r.Section, r.Relocation)} has type {context.Architecture.TypeOf(r.Relocation)}"),
            $"{context.Loaded.Sum(s => (long)s.Entries.Count)} relocations"
        );

    private static RuleFinding AreZero(RuleContext context) =>
        RuleFinding.Of(
            Each(context)
                .Where(r => !IsZero(context.Architecture, r.Section.Target, r.Relocation))
                .Select(r => $"{RuleContext.At(r.Section, r.Relocation)} is not zero"),
            "all are"
        );

    private static bool IsZero(Architecture architecture, ElfSection target, ElfRelocation relocation)
    {
        var type = architecture.TypeOf(relocation);
        if (!architecture.Loader.NeedsZero || type.Size == 0 || !type.FitsInto(relocation.Offset, (ulong)target.Content.Length))
        {
            return true;
        }

        return !target.Content.AsSpan((int)relocation.Offset, type.Size).ContainsAnyExcept((byte)0);
    }

    private static RuleFinding AreRelocatedOnce(RuleContext context)
    {
        var faults =
            from target in context.Loaded.GroupBy(s => s.Target)
            from twice in Overlaps(context.Architecture, target)
            select $"{target.Key.Name}+0x{twice:x}";
        return RuleFinding.Of(faults, "none is");
    }

    // A second relocation finds the field no longer zero.
    private static IEnumerable<ulong> Overlaps(Architecture architecture, IEnumerable<ElfRelocationSection> sections)
    {
        ulong end = 0;
        foreach (
            var relocation in sections
                .SelectMany(s => s.Entries)
                .Where(r => architecture.TypeOf(r).Size > 0)
                .OrderBy(r => r.Offset)
        )
        {
            if (relocation.Offset < end)
            {
                yield return relocation.Offset;
            }

            end = relocation.Offset + (ulong)architecture.TypeOf(relocation).Size;
        }
    }

    private static RuleFinding Reach(RuleContext context)
    {
        var addresses = new Dictionary<ElfSymbol, long?>(ReferenceEqualityComparer.Instance);
        return RuleFinding.Of(Faults(), context.Kernel.Symbols is null ? "as far as the module alone tells" : "all can");

        IEnumerable<string> Faults()
        {
            foreach (var (section, relocation) in Each(context))
            {
                if (relocation.Symbol is not { } symbol)
                {
                    continue;
                }

                if (!addresses.TryGetValue(symbol, out var address))
                {
                    addresses[symbol] = address =
                        symbol.Place == ElfSymbolPlace.Absolute
                            ? unchecked((long)symbol.Value)
                            : unchecked((long?)context.PlaceOf(symbol)?.Address);
                }

                var type = context.Architecture.TypeOf(relocation);
                if (!context.Architecture.Loader.Fits(type, relocation, symbol, address))
                {
                    yield return $"{RuleContext.At(section, relocation)} with type {type} cannot reach {symbol}{relocation.Addend:+0;-0;+0}";
                }
            }
        }
    }

    private static IEnumerable<(ElfRelocationSection Section, ElfRelocation Relocation)> Each(RuleContext context) =>
        context.Loaded.SelectMany(s => s.Entries.Select(r => (s, r)));
}
