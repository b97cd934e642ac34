using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Decides what goes into the livepatch. Vertices are pieces, edges are references: from the changed functions and the new
/// global ones everything is followed that the running kernel does not have. What it has is referred to, never copied.
/// </summary>
public static class Include
{
    /// <summary>Runs the pass.</summary>
    public static Outcome<Inclusion> Run(UnitDiff diff)
    {
        var walk = new Walk(diff);
        foreach (var change in diff.Changed)
        {
            walk.Add(change.After);
        }

        foreach (var change in diff.NewFunctions.Where(f => f.After.IsGlobal))
        {
            walk.Add(change.After);
        }

        foreach (
            var variable in diff.NewVariables.Where(v =>
                v.IsGlobal && diff.Correlation.After.RoleOf(v.Section) == SectionRole.Data
            )
        )
        {
            walk.Add(variable);
        }

        walk.Run();
        walk.CheckUnknownSections();
        walk.CheckLabels();
        walk.CheckComparisons();
        return walk.Problems.Count > 0
            ? Outcome<Inclusion>.Failure(walk.Problems)
            : new Inclusion(diff, walk.Pieces, walk.KernelTwins);
    }

    private sealed class Walk(UnitDiff diff)
    {
        private readonly HashSet<Piece> seen = [];
        private readonly HashSet<(ProblemCode, Piece)> reported = [];
        private readonly ConstantTwins constants = new(diff);

        public List<Piece> Pieces { get; } = [];

        public Dictionary<Piece, Piece> KernelTwins { get; } = [];

        public List<Problem> Problems { get; } = [];

        private UnitObject Unit => diff.Correlation.After;

        public void Add(Piece piece)
        {
            if (seen.Add(piece))
            {
                Pieces.Add(piece);
            }
        }

        public void Run()
        {
            for (var i = 0; i < Pieces.Count; i++)
            {
                var piece = Pieces[i];
                if (piece.Section.Name == SectionRules.StaticCallText)
                {
                    Problem(DiffProblems.NewStaticCall, piece, piece.Name);
                }

                if (piece.Cold is { } cold)
                {
                    Add(cold);
                }

                if (piece.ShortBranchTo is { } target)
                {
                    Problem(DiffProblems.ShortBranch, piece, $"{piece.Name} branches to {target}");
                }

                foreach (var reference in piece.References.Concat(piece.Entries.SelectMany(e => e.References)))
                {
                    Follow(piece, reference);
                }
            }
        }

        // An unknown table that speaks of an included function would say nothing about its copy.
        public void CheckUnknownSections()
        {
            foreach (var section in Unit.SectionsOf(SectionRole.Unknown))
            {
                if (
                    Unit.ReferencesOf(section).FirstOrDefault(r => r.Piece is { IsCode: true } p && seen.Contains(p)) is
                    { } reference
                )
                {
                    Problem(DiffProblems.UnknownSection, reference.Piece!, $"{section.Name} refers to {reference.TargetName}");
                }
            }
        }

        // The kernel's tables of labels of a replaced function lead into its old code: nobody may go on using them.
        public void CheckLabels()
        {
            foreach (var table in Unit.Pieces.Concat(Unit.UnnamedData))
            {
                var function = table.LabelledFunctions.FirstOrDefault(f =>
                    seen.Contains(f) && diff.Correlation.BeforeOf(f) is not null
                );
                if (function is null)
                {
                    continue;
                }

                // GCC puts a table that is never written into a section for constants itself; in any other it may be written.
                var what = $"{table.Name} in {table.Section.Name} holds addresses inside {function.Name}";
                if (!table.IsConstant && diff.Correlation.BeforeOf(table) is not null)
                {
                    Problem(DiffProblems.WritableLabels, table, what);
                }
                else if (table.IsGlobal && diff.Correlation.BeforeOf(table) is not null)
                {
                    Problem(DiffProblems.SharedLabels, table, $"{what}, and other units can use it");
                }
                else if (UserLeftBehind(table) is { } user)
                {
                    Problem(DiffProblems.SharedLabels, table, $"{what}, and {user} uses it");
                }
            }
        }

        // The kernel's own copy of a literal has no name, and is another object than the livepatch's: new code finds no pointer
        // of the kernel equal to its copy, and code that stays finds none equal to its own that comes from here.
        public void CheckComparisons()
        {
            var brought = Pieces.Where(p => p.Kind == PieceKind.Literal).ToHashSet();
            if (brought.Count == 0)
            {
                return;
            }

            foreach (var code in Unit.Pieces.Where(p => p.IsCode))
            {
                List<Reference> literals =
                [
                    .. code.References.Where(r =>
                        r
                            is {
                                Use: ReferenceUse.Address,
                                IsMemoryOperand: false,
                                Displacement: 0,
                                Piece: { Kind: PieceKind.Literal } literal
                            }
                        && brought.Contains(literal)
                    ),
                ];
                if (
                    literals.Count == 0
                    || ComparedAddresses.In(Unit.Architecture, code, literals) is not [{ Piece: { } compared }, ..]
                )
                {
                    continue;
                }

                var stays = seen.Contains(code) ? "" : $", and {UserOf(compared)} brings another copy";
                Problem(DiffProblems.ComparedLiteral, code, $"{code.Name} compares a pointer with {TextOf(compared)}{stays}");
            }
        }

        private string UserOf(Piece literal) => Pieces.First(p => p.References.Any(r => r.Piece == literal)).Name;

        private static string TextOf(Piece literal)
        {
            const int longest = 40;
            var bytes = literal.Bytes;
            if (
                !literal.Section.Has(ElfSectionFlags.Strings)
                || bytes.Length < 2
                || bytes[..^1].ContainsAnyExceptInRange((byte)' ', (byte)'~')
            )
            {
                return $"the literal at {literal.Name}";
            }

            return $"the literal \"{Encoding.ASCII.GetString(bytes[..Math.Min(longest, bytes.Length - 1)])}{(bytes.Length > longest + 1 ? "..." : "")}\"";
        }

        private string? UserLeftBehind(Piece table) =>
            Unit.Pieces.Concat(Unit.UnnamedData)
                .FirstOrDefault(p =>
                    !seen.Contains(p)
                    && p != table
                    && p.References.Concat(p.Entries.SelectMany(e => e.References)).Any(r => r.Piece == table)
                )
                ?.Name
            ?? Unit.SectionsOf(SectionRole.Registry)
                .Concat(Unit.SectionsOf(SectionRole.Unknown))
                .FirstOrDefault(s => Unit.ReferencesOf(s).Any(r => r.Piece == table))
                ?.Name;

        private void Follow(Piece from, Reference reference)
        {
            if (reference.Piece is not { } target || seen.Contains(target))
            {
                return;
            }

            switch (target.Kind)
            {
                case PieceKind.Literal or PieceKind.Replacement:
                    Add(target);
                    break;
                case PieceKind.Unnamed:
                    FollowUnnamed(from, target);
                    break;
                case PieceKind.Function:
                    FollowFunction(from, reference, target);
                    break;
                case PieceKind.ColdPart:
                    Problem(DiffProblems.InteriorReference, target, $"{from.Name} refers to {target.Name}");
                    break;
                case PieceKind.Variable:
                    FollowVariable(from, target);
                    break;
                case PieceKind.TableEntry:
                    FollowEntry(from, reference, target);
                    break;
            }
        }

        private void FollowFunction(Piece from, Reference reference, Piece target)
        {
            if (diff.Correlation.BeforeOf(target) is null)
            {
                if (Unit.RoleOf(target.Section) == SectionRole.Code)
                {
                    Add(target);
                }
                else
                {
                    ProblemOfSection(from, target);
                }
            }
            else if (reference.Displacement != 0)
            {
                Problem(
                    DiffProblems.InteriorReference,
                    target,
                    $"{from.Name} refers to {target.Name}{reference.Displacement:+0;-0}"
                );
            }
        }

        private void FollowUnnamed(Piece from, Piece target)
        {
            if (target.IsConstant || SectionRules.IsSanitizerData(target.Section))
            {
                Add(target);
            }
            else
            {
                ProblemOfSection(from, target);
            }
        }

        // It comes along with the code that it describes.
        private void FollowEntry(Piece from, Reference reference, Piece target)
        {
            if (target.Parent != from || reference.Displacement != 0)
            {
                var described = target.Parent is { } owner && owner != from ? $", which describes {owner.Name}" : "";
                Problem(
                    DiffProblems.UnknownSection,
                    target,
                    $"{from.Name} refers to an entry of {target.Section.Name}{described}"
                );
            }
        }

        private void ProblemOfSection(Piece from, Piece target)
        {
            var code = Unit.RoleOf(target.Section) == SectionRole.Init ? LinkProblems.InitReference : DiffProblems.UnknownSection;
            var what = target.Kind == PieceKind.Unnamed ? "unnamed data" : target.Name;
            Problem(code, target, $"{from.Name} refers to {what} in {target.Section.Name}");
        }

        private void FollowVariable(Piece from, Piece target)
        {
            // Labels go with the function that they are in.
            var isOwnTable = target.LabelledFunctions.Any(seen.Contains);
            if (!isOwnTable && diff.Correlation.BeforeOf(target) is not null)
            {
                if (diff.Correlation.IsAmbiguous(target) && !target.IsConstant)
                {
                    Problem(
                        DiffProblems.AmbiguousStaticLocal,
                        target,
                        $"{from.Name} refers to one of several named {SymbolNames.OfVariable(target.Name)}"
                    );
                }
                else if (diff.Correlation.IsAmbiguous(target) && constants.IsAmbiguous(target))
                {
                    ReportConstant(from, target);
                }
            }
            else if (Unit.RoleOf(target.Section) == SectionRole.IdList)
            {
                Problem(DiffProblems.ChangedIdList, target, $"{from.Name} refers to {target.Name}, which is new");
            }
            else if (Unit.RoleOf(target.Section) != SectionRole.Data)
            {
                ProblemOfSection(from, target);
            }
            else if (isOwnTable || !target.IsConstant || target.IsThrowaway)
            {
                Add(target);
            }
            else if (constants.IsAmbiguous(target))
            {
                ReportConstant(from, target);
            }
            else if (constants.TwinOf(target) is { } twin)
            {
                KernelTwins[target] = twin;
            }
            else
            {
                Add(target);
            }
        }

        private void ReportConstant(Piece from, Piece target) =>
            Problem(
                DiffProblems.AmbiguousConstant,
                target,
                $"{from.Name} refers to one of several equal constants named {SymbolNames.OfVariable(target.Name)}"
            );

        private void Problem(ProblemCode code, Piece about, string reason)
        {
            if (reported.Add((code, about)))
            {
                Problems.Add(new(code, $"{diff.Unit}: {reason}"));
            }
        }
    }
}
