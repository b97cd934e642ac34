using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Fidelity;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Link;

/// <summary>
/// Says how to refer to a symbol of the running kernel. In: a piece of the unpatched unit, or an undefined symbol. Out: the
/// export where vmlinux has one, else a livepatch symbol with its position. What belongs to the unit itself is looked up by
/// the address that the fidelity check proved; what belongs to others must be the only global of its name.
/// </summary>
public sealed class ReferenceResolver(ExportedSymbols exports)
{
    /// <summary>True where an object has a symbol of this name that all its units can refer to.</summary>
    public static bool HasGlobal(PatchTarget target, string name)
    {
        ArgumentNullException.ThrowIfNull(target);
        return target.Symbols.Named(name).Any(s => s.IsGlobal);
    }

    /// <summary>How to refer to something that the unpatched unit defines.</summary>
    public Outcome<KernelReference> Resolve(Piece before, UnitPlacement placement)
    {
        if (before.IsGlobal && exports.Find(before.Name) is { } export && VmlinuxTarget.HasExport(export))
        {
            return new KernelReference(before.Name, export, null, placement.Find(before.Name)?.Address);
        }

        // Aliases mean the same place; a name of its own needs no position.
        var places = before
            .Symbols.Select(s => (s.Name, Place: placement.Find(s.Name)))
            .Where(s => s.Place?.Position is not null)
            .OrderBy(s => s.Place!.Position!.Value.Value)
            .ToList();
        if (places.Count > 0)
        {
            return InTarget(placement.Target, places[0].Name, places[0].Place!.Position!.Value, places[0].Place!.Address);
        }

        // A weak definition that is not in the kernel lost against another unit's, and that one is meant.
        return before.Symbols.Find(s => s.Binding == ElfSymbolBinding.Weak) is { } weak && placement.Find(weak.Name) is null
            ? Resolve(weak, placement.Target, placement.Unit)
            : new Problem(LinkProblems.UnplacedSymbol, $"{placement.Unit}: {before.Name}");
    }

    /// <summary>How to refer to something that another unit of the same object, or the kernel proper, defines.</summary>
    public Outcome<KernelReference> Resolve(ElfSymbol external, PatchTarget target, string unit)
    {
        var name = external.Name;
        var export = exports.Find(name);
        var globals = target.Symbols.Named(name).Where(s => s.IsGlobal).ToList();
        if (export is not null && VmlinuxTarget.HasExport(export))
        {
            return new KernelReference(name, export, null, globals.Count == 1 ? globals[0].Address : null);
        }

        if (globals.Count == 1 && target.PositionOf(name, globals[0].Address) is { } position)
        {
            return InTarget(target, name, position, globals[0].Address);
        }

        if (globals.Count > 1)
        {
            return new Problem(
                LinkProblems.AmbiguousSymbol,
                $"{unit}: the kernel has {globals.Count} global symbols named {name}"
            );
        }

        return export is not null
            ? new Problem(LinkProblems.ModuleSymbol, $"{unit}: {name} is exported by module {export.Module}")
            : new Problem(LinkProblems.UnresolvedSymbol, $"{unit}: {name}{Why(target, external)}");
    }

    // What is missing for three different reasons wants three different remedies.
    private static string Why(PatchTarget target, ElfSymbol external) =>
        target.Symbols.Contains(external.Name) ? ", which is static in the unit that defines it"
        : external.Binding == ElfSymbolBinding.Weak
            ? ", which is declared weak: its address would be null, and no livepatch can refer to that"
        : ", which neither the kernel nor the patch defines";

    private static Outcome<KernelReference> InTarget(PatchTarget target, string name, Sympos position, ulong address) =>
        name.Length <= KernelLimits.SymbolName
            ? new KernelReference(name, null, new(target.ObjectName, name, position), address)
            : new Problem(LinkProblems.NameTooLong, name[..100] + "...");
}
