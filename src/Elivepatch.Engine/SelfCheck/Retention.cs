using Elivepatch.Elf;
using Elivepatch.Engine.Escape;
using Place = Elivepatch.Engine.SelfCheck.DataFields.Place;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>Whether a livepatch's module can be unloaded when it was disabled or replaced.</summary>
public enum RetentionState
{
    /// <summary>It can, and nothing of the kernel leads into it then.</summary>
    Unloadable,

    /// <summary>It cannot: it holds a reference to itself, or the kernel it is for unloads nothing.</summary>
    Kept,

    /// <summary>It can, and must not be: the kernel may keep addresses of it.</summary>
    Dangling,
}

/// <summary>Whether a livepatch's module stays in memory, and why.</summary>
/// <param name="State">What may become of it.</param>
/// <param name="Reasons">
/// The addresses that the kernel may keep, in words; for a module whose code could not be followed to its end that as well.
/// </param>
public sealed record Retention(RetentionState State, IReadOnlyList<string> Reasons)
{
    /// <summary>Looks into the code of a finished module.</summary>
    public static Retention Of(ElfObject elf, LivepatchModule module)
    {
        var patched = module
            .Objects.SelectMany(o => o.Functions)
            .Select(f => f.New)
            .OfType<NewCode>()
            .Select(n => (n.Section, n.Offset));
        var found = FindEscapes.Run(module.Architecture, elf, patched);
        List<string> reasons = [.. found.Escapes.Select(e => e.ToString())];
        if (!found.IsComplete)
        {
            reasons.Add("its code is too large to be followed to the end");
        }

        var isKept = found.HoldsModule == true || !AddressRules.KernelUnloads(module.Information) || !HasExit(elf);
        return new(
            isKept ? RetentionState.Kept
                : found.MustStay ? RetentionState.Dangling
                : RetentionState.Unloadable,
            reasons
        );
    }

    // A module with an init function and no exit function is permanent (delete_module() in kernel/module/main.c).
    private static bool HasExit(ElfObject elf) =>
        elf.FindSection(ModuleStart.Section) is not { } start
        || elf.RelocationSections.Where(s => s.Target == start)
            .SelectMany(s => s.Entries)
            .Select(r => DataFields.TargetOf(r.Symbol, r.Addend))
            .OfType<Place>()
            .Count(p => p.Section.Has(ElfSectionFlags.Execute)) != 1;
}
