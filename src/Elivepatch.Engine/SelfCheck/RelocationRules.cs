using Elivepatch.Elf;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>What <c>__write_relocate_add()</c> in <c>arch/x86/kernel/module.c</c> applies, for ordinary and livepatch relocations alike.</summary>
internal static class RelocationRules
{
    /// <summary>
    /// The kernel and its modules lie in the top 2 GiB of the address space; modules end 16 MiB below its end. An address in the
    /// low part, such as that of a per-cpu variable before 6.15, is reached by wrapping around, but not with much behind it.
    /// </summary>
    private const long LowestTarget = int.MinValue, HighestTarget = 1 << 29;

    public static IReadOnlyList<ModuleRule> All { get; } =
    [
        Rule("relocation-type", "Relocations are of types that the kernel applies", HaveKnownTypes),
        Rule("relocation-field-zero", "Relocated fields are zero before relocation", AreZero),
        Rule("relocation-once", "No field is relocated twice", AreRelocatedOnce),
        Rule("relocation-reach", "Relocated fields can hold what they are to hold", Reach),
    ];

    private static ModuleRule Rule(string id, string title, Func<RuleContext, RuleFinding> check) =>
        new(id, title, ProblemCodes.WrongRelocations, check);

    private static bool IsKnown(X8664Relocation type) => type is X8664Relocation.None or X8664Relocation.Absolute64 or X8664Relocation.Absolute32
        or X8664Relocation.Absolute32Signed or X8664Relocation.Pc32 or X8664Relocation.Plt32 or X8664Relocation.Pc64;

    private static RuleFinding HaveKnownTypes(RuleContext context) => RuleFinding.Of(
        Each(context).Where(r => !IsKnown(r.Relocation.Type)).Select(r => $"{RuleContext.At(r.Section, r.Relocation)} has type {r.Relocation.Type}"),
        $"{context.Loaded.Sum(s => (long)s.Entries.Count)} relocations");

    private static RuleFinding AreZero(RuleContext context) => RuleFinding.Of(
        Each(context).Where(r => !IsZero(r.Section.Target, r.Relocation)).Select(r => $"{RuleContext.At(r.Section, r.Relocation)} is not zero"), "all are");

    private static bool IsZero(ElfSection target, ElfRelocation relocation)
    {
        var size = relocation.Type.FieldSize();
        var length = (ulong)target.Content.Length;
        if (size == 0 || relocation.Offset > length || length - relocation.Offset < (ulong)size)
            return true;
        return !target.Content.AsSpan((int)relocation.Offset, size).ContainsAnyExcept((byte)0);
    }

    private static RuleFinding AreRelocatedOnce(RuleContext context)
    {
        var faults = from target in context.Loaded.GroupBy(s => s.Target)
                     from twice in Overlaps(target)
                     select $"{target.Key.Name}+0x{twice:x}";
        return RuleFinding.Of(faults, "none is");
    }

    // A second relocation finds the field no longer zero.
    private static IEnumerable<ulong> Overlaps(IEnumerable<ElfRelocationSection> sections)
    {
        ulong end = 0;
        foreach (var relocation in sections.SelectMany(s => s.Entries).Where(r => r.Type.FieldSize() > 0).OrderBy(r => r.Offset))
        {
            if (relocation.Offset < end)
                yield return relocation.Offset;
            end = relocation.Offset + (ulong)relocation.Type.FieldSize();
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
                    continue;
                if (!addresses.TryGetValue(symbol, out var address))
                    addresses[symbol] = address = symbol.Place == ElfSymbolPlace.Absolute
                        ? unchecked((long)symbol.Value) : unchecked((long?)context.AddressOf(symbol));
                if (!Fits(relocation, address, symbol))
                    yield return $"{RuleContext.At(section, relocation)} with type {relocation.Type} cannot reach {symbol}{relocation.Addend:+0;-0;+0}";
            }
        }
    }

    private static bool Fits(ElfRelocation relocation, long? address, ElfSymbol symbol)
    {
        if (relocation.Type.FieldSize() != 4 || !IsKnown(relocation.Type))
            return true;

        // Zero-extended: no address of the kernel or of a module is as low as that.
        if (relocation.Type == X8664Relocation.Absolute32 && (symbol.IsDefined ? !SectionRules.IsPerCpu(symbol.Section!) : address is < 0))
            return false;
        if (address is { } known)
            return Sum(known, relocation.Addend) is >= LowestTarget and <= HighestTarget;

        // Somewhere in the top 2 GiB. In this module the place itself is known.
        if (symbol.IsDefined && relocation.Type != X8664Relocation.Absolute32)
            return Math.Abs(Sum(unchecked((long)symbol.Value), relocation.Addend)) < HighestTarget;
        return relocation.Addend is > int.MinValue and < int.MaxValue;
    }

    private static long Sum(long a, long b) => (long)Int128.Clamp((Int128)a + b, -long.MaxValue, long.MaxValue);

    private static IEnumerable<(ElfRelocationSection Section, ElfRelocation Relocation)> Each(RuleContext context) =>
        context.Loaded.SelectMany(s => s.Entries.Select(r => (s, r)));
}
