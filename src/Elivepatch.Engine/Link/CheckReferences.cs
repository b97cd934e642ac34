// In: the units to link, each with the places of its symbols, and the map of the running kernel's memory. Out: every reference
// that new code must not have. The compiler and the linker take all of these: they know what a symbol is in the source, and what
// decides here is what lies behind it in the kernel that runs. The self-check finds the same in the finished module as far as
// code alone shows it.
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Link;

/// <summary>Asks of every reference to the running kernel whether what is there may be used, and in this way.</summary>
public static class CheckReferences
{
    /// <summary>Runs the pass.</summary>
    /// <param name="units">What is to be linked.</param>
    /// <param name="resolver">Where symbols of the running kernel lie.</param>
    /// <param name="entries">Which functions may be called through pointers.</param>
    public static IReadOnlyList<Problem> Run(IReadOnlyList<LinkUnit> units, ReferenceResolver resolver, IndirectEntries entries)
    {
        const string bounds = "__init_begin, __init_end, __per_cpu_start or __per_cpu_end";
        if (!resolver.Objects.Vmlinux.Memory.IsComplete)
        {
            return [new(LinkProblems.UnknownMemory, $"/proc/kallsyms lacks {bounds}, or has it twice")];
        }

        return
        [
            .. units.SelectMany(u => new UnitReferences(u, resolver, entries).Check()).Distinct(),
            .. units.SelectMany(u => CheckModuleReferences.Run(u, resolver)).Distinct(),
        ];
    }

    private sealed class UnitReferences(LinkUnit unit, ReferenceResolver resolver, IndirectEntries entries)
    {
        private readonly KernelObjects objects = resolver.Objects;
        private readonly Correlation correlation = unit.Inclusion.Diff.Correlation;
        private readonly List<Problem> problems = [];
        private HashSet<object>? takenBefore;

        public List<Problem> Check()
        {
            foreach (var piece in unit.Inclusion.Pieces)
            {
                var known = correlation.BeforeOf(piece) is { } twin ? TargetsOf(twin) : [];
                foreach (var reference in piece.References.Where(r => unit.Inclusion.DestinationOf(r) == Destination.Kernel))
                {
                    Check(piece, reference, known, isInTable: false);
                }

                foreach (
                    var (entry, reference) in piece
                        .Entries.SelectMany(e => e.References.Select(r => (e, r)))
                        .Where(r => unit.Inclusion.DestinationOfEntry(r.r) == Destination.Kernel)
                )
                {
                    Check(piece, reference, known, isInTable: true);
                    CheckKey(piece, entry, reference);
                }
            }

            return problems;
        }

        private void Check(Piece from, Reference reference, HashSet<(object Target, ReferenceUse Use)> known, bool isInTable)
        {
            if (Resolve(reference) is not { Address: { } address } target || objects.HomeOf(target.Livepatch) is not { } home)
            {
                return;
            }

            if (
                home.KindOf(address) == MemoryKind.Init
                && !known.Contains((KeyOf(reference), ReferenceUse.Address))
                && !known.Contains((KeyOf(reference), ReferenceUse.Branch))
            )
            {
                Report(LinkProblems.InitReference, $"{from.Name} refers to {target.Name}");
            }
            else if (
                !isInTable
                && reference is { Use: ReferenceUse.Address, Displacement: 0 }
                && home.KindOf(address) == MemoryKind.Code
                && !known.Contains((KeyOf(reference), ReferenceUse.Address))
            )
            {
                CheckEntry(from, reference, target.Name, home, address);
            }

            if (reference.Piece is { Kind: PieceKind.Variable } variable && correlation.BeforeOf(variable) is { } before)
            {
                CheckAlignment(variable, before, address);
            }
        }

        private void CheckEntry(Piece from, Reference reference, string name, PatchTarget home, ulong address)
        {
            var reached = entries.MayReach(home.Image, address);
            if (reached == false)
            {
                Report(LinkProblems.SealedEntry, $"{from.Name} takes the address of {name}");
            }
            else if (reached is null && !TakenBefore().Contains(KeyOf(reference)))
            {
                Report(
                    LinkProblems.SealedEntry,
                    $"{from.Name} takes the address of {name}, whose entry only the kernel's image shows"
                );
            }
        }

        // What the compiler may assume of a variable is what its declaration says; what holds is where the running kernel has it.
        // Among others in one section a variable can come to lie better without being declared so: the section tells.
        private void CheckAlignment(Piece variable, Piece before, ulong address)
        {
            var alignment = variable.Alignment;
            if (variable.Section.Alignment > before.Section.Alignment && alignment > before.Alignment && address % alignment != 0)
            {
                Report(
                    DiffProblems.ChangedMemoryKind,
                    $"{variable.Name} is to be aligned to {alignment} bytes: it is at 0x{address:x}"
                );
            }
        }

        private void CheckKey(Piece from, TableEntry entry, Reference reference)
        {
            if (entry.Table.Name != SectionRules.JumpTable || objects.Vmlinux.Memory.SealsStaticKeys)
            {
                return;
            }

            if (
                Resolve(reference) is { Address: { } key, Module: null } target
                && objects.Vmlinux.KindOf(key) is MemoryKind.ReadOnlyAfterInit or MemoryKind.Constant
            )
            {
                Report(LinkProblems.ReadOnlyStaticKey, $"{from.Name} has a static branch on {target.Name}");
            }
        }

        // What cannot be resolved is a problem of the link, which names it.
        private KernelReference? Resolve(Reference reference) => resolver.Find(reference, unit);

        // Targets are compared as the unpatched unit knows them: its own pieces, and the names of others.
        private object KeyOf(Reference reference) =>
            reference.Piece is { } piece ? unit.Inclusion.TwinOf(piece) ?? (object)piece : reference.External?.Name ?? "";

        private static HashSet<(object Target, ReferenceUse Use)> TargetsOf(Piece before)
        {
            var family = new[] { before, before.Cold, before.Parent }.OfType<Piece>();
            var references = family.SelectMany(p => p.References.Concat(p.Entries.SelectMany(e => e.References)));
            return [.. references.Select(r => (KeyOfBefore(r), r.Use))];
        }

        private static object KeyOfBefore(Reference reference) => reference.Piece ?? (object?)reference.External?.Name ?? "";

        private HashSet<object> TakenBefore() =>
            takenBefore ??= [
                .. correlation
                    .Before.Pieces.SelectMany(p => p.References)
                    .Where(r => r is { Use: ReferenceUse.Address, Displacement: 0 })
                    .Select(KeyOfBefore),
            ];

        private void Report(ProblemCode code, string reason) => problems.Add(new(code, $"{unit.Inclusion.Diff.Unit}: {reason}"));
    }
}
