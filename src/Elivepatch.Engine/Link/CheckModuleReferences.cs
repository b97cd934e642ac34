using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Link;

/// <summary>
/// A reference to a symbol of a module is written into the livepatch when the module is there, be that long after the livepatch
/// was loaded (<c>klp_module_coming()</c>). What the kernel does with a module's memory while it loads it
/// (<c>module_finalize()</c>, <c>percpu_modcopy()</c>, the notifiers of jump labels and static calls) has been done by then,
/// without the reference. In: a unit to link. Out: a problem for each that would be read too early, or overwrite what the kernel
/// has put there.
/// </summary>
internal static class CheckModuleReferences
{
    /// <summary>Runs the pass.</summary>
    public static IEnumerable<Problem> Run(LinkUnit unit, ReferenceResolver resolver)
    {
        if (unit.Placement.Target is not ModuleTarget)
        {
            yield break;
        }

        var processor = unit.Inclusion.Diff.Correlation.After.Architecture;
        foreach (var piece in unit.Inclusion.Pieces)
        {
            foreach (var reference in piece.References.Where(r => unit.Inclusion.DestinationOf(r) == Destination.Kernel))
            {
                if (OfModule(reference) is { } found && Fault(piece, reference, processor) is { } fault)
                {
                    yield return Early($"{piece.Name} refers to {found.Name} of {found.Module} {fault}");
                }
            }

            foreach (var entry in piece.Entries.Where(e => !IsForTools(e)))
            {
                if (ModuleKeys.Of(entry, unit, resolver) is { } key)
                {
                    if (key.Tracepoint is null)
                    {
                        yield return new(
                            LinkProblems.ModuleStaticKey,
                            $"{unit.Inclusion.Diff.Unit}: {piece.Name} branches on {key.Variable.Name} of {key.Module}"
                        );
                    }

                    continue;
                }

                foreach (var reference in entry.References.Where(r => unit.Inclusion.DestinationOfEntry(r) == Destination.Kernel))
                {
                    if (OfModule(reference) is { } found)
                    {
                        yield return Early($"{entry.Table.Name} has {found.Name} of {found.Module} for {piece.Name}");
                    }
                }
            }
        }

        KernelReference? OfModule(Reference reference) =>
            resolver.Find(reference, unit) is { Module: not null } found ? found : null;

        Problem Early(string reason) => new(LinkProblems.ModuleReferenceTooEarly, $"{unit.Inclusion.Diff.Unit}: {reason}");
    }

    // The linker drops it.
    private static bool IsForTools(TableEntry entry) => entry.Table.Name.StartsWith(".discard.", StringComparison.Ordinal);

    private static string? Fault(Piece piece, Reference reference, Architecture processor) =>
        piece.Kind == PieceKind.Replacement ? "in an alternative"
        : ModuleLoader.IsPerCpu(piece.Section) ? "in per-cpu data"
        : piece.Entries.Any(e => IsOverwritten(piece, e, reference, processor)) ? "in an instruction with an alternative"
        : null;

    private static bool IsOverwritten(Piece piece, TableEntry entry, Reference reference, Architecture processor)
    {
        if (entry.Table.Name != SectionRules.Alternatives)
        {
            return false;
        }

        var start = entry.References[0].Displacement + (long)(piece.Anchor - piece.Start);
        var length = processor.Alternatives.LengthsOf(entry.Bytes)?.Original ?? int.MaxValue;
        return (long)reference.Offset >= start && (long)reference.Offset < start + length;
    }
}
