using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// What lies behind the symbols of the running kernel that the module refers to. Every other rule is kept by a module that calls
/// freed code: the name exists, the relocation fits. <see cref="Link.CheckReferences"/> asks the same while a module is built,
/// and knows the unpatched objects; here the kernel's image stands in for them.
/// </summary>
internal static class MemoryRules
{
    private const string NoSymbols = "the kernel's symbols do not say which memory is which";

    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        Rule("memory-init", "No new reference leads to what the kernel frees after its start", AvoidInit),
        Rule("memory-read-only", "No new instruction writes to read-only memory", WriteToVariables),
        Rule("memory-per-cpu", "Per-cpu accesses go to per-cpu variables, and no others do", KeepPerCpuApart),
        Rule("memory-indirect-entry", "Every function whose address is taken may be called through it", TakeReachableAddresses),
        Rule("memory-static-key", "Static branches hang on keys that the kernel can link them to", HaveWritableKeys),
    ];

    private static ModuleRule Rule(string id, string title, Func<RuleContext, RuleFinding> check) =>
        new(id, title, SelfCheckProblems.WrongMemoryUse, check);

    private static RuleFinding AvoidInit(RuleContext context)
    {
        if (context.Memory is not { IsComplete: true })
        {
            return RuleFinding.NotCheckable(NoSymbols);
        }

        var inCode =
            from use in context.CodeUses.All
            where
                context.PlaceOf(use) is { } place
                && context.KindOf(place) == MemoryKind.Init
                && context.ReplacedCodeOf(use)?.References.Contains(place) != true
            select $"{use.Function} refers to {use.Relocation.Symbol}";
        var inData =
            from relocation in OfData(context)
            where context.PlaceOf(relocation.Entry.Symbol) is { } place && context.KindOf(place) == MemoryKind.Init
            select $"{RuleContext.At(relocation.Section, relocation.Entry)} refers to {relocation.Entry.Symbol}";
        return RuleFinding.Of(inCode.Concat(inData).Distinct(), "none does");
    }

    private static RuleFinding WriteToVariables(RuleContext context)
    {
        if (context.Memory is null)
        {
            return RuleFinding.NotCheckable(NoSymbols);
        }

        var faults =
            from use in context.CodeUses.All
            where use is { Writes: true, Use: AddressUse.Access, IsPerCpu: false } && context.PlaceOf(use) is not null
            let place = context.PlaceOf(use)!.Value.Plus(use.Displacement)
            where
                context.KindOf(place) is MemoryKind.ReadOnlyAfterInit or MemoryKind.Constant or MemoryKind.Code
                && context.ReplacedCodeOf(use)?.Writes.Contains(place) != true
            select $"{use.Function} writes to {use.Relocation.Symbol}";
        return RuleFinding.Of(faults.Distinct(), "as far as instructions name what they write to");
    }

    private static RuleFinding KeepPerCpuApart(RuleContext context)
    {
        if (context.Memory is not { IsComplete: true })
        {
            return RuleFinding.NotCheckable(NoSymbols);
        }

        // Where a register is part of the address it may hold an offset of a processor already.
        bool? IsPerCpu(CodeUse use) =>
            use.Relocation.Symbol switch
            {
                { IsDefined: true, Section: { } section } => ModuleLoader.IsPerCpu(section),
                { } symbol when context.PlaceOf(symbol) is { } place && context.KindOf(place) != MemoryKind.Unknown =>
                    context.KindOf(place) == MemoryKind.PerCpu,
                _ => null,
            };
        var plain = context
            .CodeUses.All.Where(u => u is { Use: AddressUse.Access, IsPerCpu: false } && IsPerCpu(u) == true)
            .Select(u => $"{u.Function} uses the per-cpu variable {u.Relocation.Symbol} as a plain one");
        var perCpu = context
            .CodeUses.All.Where(u => u.IsPerCpu)
            .Concat(context.CodeUses.PerCpuSums)
            .Where(u => IsPerCpu(u) == false)
            .Select(u => $"{u.Function} uses {u.Relocation.Symbol} as a per-cpu variable");
        return RuleFinding.Of(plain.Concat(perCpu).Distinct(), "as far as instructions show it");
    }

    private static RuleFinding TakeReachableAddresses(RuleContext context)
    {
        if (context.Memory is null || context.Entries is not { } entries)
        {
            return RuleFinding.NotCheckable(NoSymbols);
        }

        if (!entries.AreChecked)
        {
            return RuleFinding.Passed("the kernel does not track indirect branches");
        }

        bool IsCode(RunningPlace? place) => place is { } known && context.KindOf(known) == MemoryKind.Code;
        bool? MayReach(RunningPlace place) => entries.MayReach(context.ImageOf(place.ObjectName), place.Address);
        var taken = context
            .CodeUses.All.Where(u => u is { Use: AddressUse.Value, Displacement: 0 } && IsCode(context.PlaceOf(u)))
            .Where(u => context.ReplacedCodeOf(u)?.AddressesTaken.Contains(context.PlaceOf(u)!.Value) != true)
            .Select(u => (Place: context.PlaceOf(u)!.Value, What: $"{u.Function} takes the address of {u.Relocation.Symbol}"))
            .Concat(
                from field in OfData(context)
                where
                    field.Entry.Addend == 0
                    && context.Architecture.TypeOf(field.Entry).IsPointer
                    && IsCode(context.PlaceOf(field.Entry.Symbol))
                select (
                    Place: context.PlaceOf(field.Entry.Symbol)!.Value,
                    What: $"{RuleContext.At(field.Section, field.Entry)} is the address of {field.Entry.Symbol}"
                )
            )
            .ToList();
        var faults = taken.Where(t => MayReach(t.Place) == false).Select(t => t.What).Distinct().ToList();
        return faults.Count == 0 && taken.Exists(t => MayReach(t.Place) is null)
            ? RuleFinding.NotCheckable("only the kernel's image shows the entries of its functions")
            : RuleFinding.Of(faults, $"{taken.Count} addresses");
    }

    private static RuleFinding HaveWritableKeys(RuleContext context)
    {
        if (context.Memory is not { } memory)
        {
            return RuleFinding.NotCheckable(NoSymbols);
        }

        if (memory.SealsStaticKeys)
        {
            return RuleFinding.Passed("the kernel leaves keys in read-only memory alone");
        }

        var faults =
            from section in context.Loaded
            where section.Target.Name == SectionRules.JumpTable
            from relocation in section.Entries
            where
                context.PlaceOf(relocation.Symbol) is { ObjectName: VmlinuxTarget.Name } place
                && context.KindOf(place) is MemoryKind.ReadOnlyAfterInit or MemoryKind.Constant
            select $"{RuleContext.At(section, relocation)} has the key {relocation.Symbol}";
        return RuleFinding.Of(faults, "all are");
    }

    // Tables are about code of the module; what they name of the kernel is not called through them.
    private static IEnumerable<(ElfRelocationSection Section, ElfRelocation Entry)> OfData(RuleContext context) =>
        context
            .Loaded.Where(s => !s.Target.Has(ElfSectionFlags.Execute) && !ReadModule.IsTable(context.Architecture, s.Target))
            .SelectMany(s => s.Entries.Select(r => (s, r)));
}
