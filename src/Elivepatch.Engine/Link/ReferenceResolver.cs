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
public sealed class ReferenceResolver(ExportedSymbols exports, KernelObjects objects)
{
    /// <summary>The objects that symbols are looked for in.</summary>
    public KernelObjects Objects => objects;

    /// <summary>True where an object has a symbol of this name that all its units can refer to.</summary>
    public static bool HasGlobal(PatchTarget target, string name)
    {
        ArgumentNullException.ThrowIfNull(target);
        return target.Symbols.Named(name).Any(s => s.IsGlobal);
    }

    /// <summary>What a reference of a patched unit leads to in the running kernel; null where that cannot be said.</summary>
    public KernelReference? Find(Reference reference, LinkUnit unit)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(unit);
        var inclusion = unit.Inclusion;
        var resolved = reference switch
        {
            { Piece: { } piece } => inclusion.TwinOf(piece) is { } twin ? Resolve(twin, unit.Placement) : null,
            { External: { } external } => Resolve(external, unit.Placement.Target, inclusion.Diff.Unit),
            _ => null,
        };
        return resolved is not null && resolved.TryGet(out var found) ? found : null;
    }

    /// <summary>How to refer to something that the unpatched unit defines.</summary>
    public Outcome<KernelReference> Resolve(Piece before, UnitPlacement placement)
    {
        if (
            placement.Target is VmlinuxTarget
            && before.IsGlobal
            && exports.Find(before.Name) is { } export
            && VmlinuxTarget.HasExport(export)
        )
        {
            return new KernelReference(before.Name, export, null, placement.Find(before.Name)?.Address);
        }

        // Aliases mean the same place; a name of its own needs no position.
        var places = before.Symbols.Select(s => (s.Name, Place: placement.Find(s.Name))).Where(s => s.Place is not null).ToList();
        var found = places.Where(s => s.Place!.Position is not null).OrderBy(s => s.Place!.Position!.Value.Value).ToList();
        if (found.Count > 0)
        {
            return InTarget(placement.Target, found[0].Name, found[0].Place!.Position!.Value, found[0].Place!.Address);
        }

        if (
            placement.Target is ModuleTarget
            && places.FirstOrDefault(p => placement.Target.Symbols.Contains(p.Name)).Name is { } unsteady
        )
        {
            return Unsteady(unsteady, placement.Target, placement.Unit);
        }

        // A weak definition that is not in the kernel lost against another unit's, and that one is meant.
        return before.Symbols.Find(s => s.Binding == ElfSymbolBinding.Weak) is { } weak && placement.Find(weak.Name) is null
            ? Resolve(weak, placement.Target, placement.Unit)
            : new Problem(LinkProblems.UnplacedSymbol, $"{placement.Unit}: {before.Name}");
    }

    /// <summary>
    /// How to refer to something that another unit defines. The order is that of the linker and of the module loader: the
    /// object's own, then what is exported. What the kernel proper has and does not export only a livepatch can refer to.
    /// </summary>
    /// <param name="external">The symbol, as the unit refers to it.</param>
    /// <param name="target">What the unit is linked into.</param>
    /// <param name="unit">The unit, for messages.</param>
    public Outcome<KernelReference> Resolve(ElfSymbol external, PatchTarget target, string unit)
    {
        var name = external.Name;
        var isModule = target is ModuleTarget;
        if (isModule && HasGlobal(target, name))
        {
            return OnlyGlobal(name, target, unit);
        }

        var export = exports.Find(name);
        if (export is not null && VmlinuxTarget.HasExport(export))
        {
            var globals = objects.Vmlinux.Symbols.Named(name).Where(s => s.IsGlobal).ToList();
            return new KernelReference(name, export, null, globals.Count == 1 ? globals[0].Address : null);
        }

        if (export is not null && target is ModuleTarget user)
        {
            return OfOtherModule(export, user, unit);
        }

        // What the module itself gets from elsewhere is an export of somebody's, whatever else the kernel has under that name.
        if (export is null && exports.Count > 0 && target is ModuleTarget importer && importer.Imports(name))
        {
            return new Problem(
                LinkProblems.UnresolvedSymbol,
                $"{unit}: {name}, which {importer} gets from a module that is not one of the kernel's own: name its file too (--module)"
            );
        }

        if (HasGlobal(objects.Vmlinux, name))
        {
            return OnlyGlobal(name, objects.Vmlinux, unit);
        }

        return export is not null
            ? new Problem(LinkProblems.ModuleSymbol, $"{unit}: {name} is exported by module {export.Module}")
            : new Problem(LinkProblems.UnresolvedSymbol, $"{unit}: {name}{Why(target, external)}");
    }

    private static Outcome<KernelReference> OnlyGlobal(string name, PatchTarget target, string unit)
    {
        var globals = target.Symbols.Named(name).Where(s => s.IsGlobal).ToList();
        if (globals.Count > 1)
        {
            return new Problem(LinkProblems.AmbiguousSymbol, $"{unit}: {target} has {globals.Count} global symbols named {name}");
        }

        return target.PositionOf(name, globals[0].Address) is { } position
            ? InTarget(target, name, position, globals[0].Address)
            : Unsteady(name, target, unit);
    }

    // The livepatch does not keep that module in memory: only a module that cannot be without it may refer to it.
    private Outcome<KernelReference> OfOtherModule(ExportedSymbol export, ModuleTarget user, string unit)
    {
        var owner = export.ObjectName;
        if (!user.Needs(owner))
        {
            return new Problem(
                LinkProblems.ModuleNotNeeded,
                $"{unit}: {export.Name} is exported by {owner}, and {user} does not depend on that"
            );
        }

        return objects.FindModule(owner) is { } target && HasGlobal(target, export.Name)
            ? OnlyGlobal(export.Name, target, unit)
            : new Problem(
                LinkProblems.UnresolvedSymbol,
                $"{unit}: {export.Name}, which module {owner} exports, is not in its file"
            );
    }

    private static Problem Unsteady(string name, PatchTarget target, string unit) =>
        new(
            LinkProblems.AmbiguousSymbol,
            $"{unit}: {target} has several symbols named {name}, one of them of its start: they are counted otherwise while it is loaded"
        );

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
