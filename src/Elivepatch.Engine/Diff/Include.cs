using Elivepatch.Engine.Units;

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
            walk.Add(change.After);
        foreach (var change in diff.NewFunctions.Where(f => f.After.IsGlobal))
            walk.Add(change.After);
        foreach (var variable in diff.NewVariables.Where(v => v.IsGlobal && diff.Correlation.After.RoleOf(v.Section) == SectionRole.Data))
            walk.Add(variable);
        walk.Run();
        walk.CheckUnknownSections();
        return walk.Problems.Count > 0
            ? Outcome<Inclusion>.Failure(walk.Problems)
            : new Inclusion(diff, walk.Pieces, walk.KernelTwins);
    }

    private sealed class Walk(UnitDiff diff)
    {
        private readonly HashSet<Piece> seen = [];
        private readonly HashSet<(ProblemCode, Piece)> reported = [];
        private readonly ILookup<string, Piece> constantsBefore = diff.Correlation.Before.Pieces.Where(p => p.IsConstant)
            .ToLookup(p => SymbolNames.OfVariable(p.Name));

        public List<Piece> Pieces { get; } = [];

        public Dictionary<Piece, Piece> KernelTwins { get; } = [];

        public List<Problem> Problems { get; } = [];

        private UnitObject Unit => diff.Correlation.After;

        public void Add(Piece piece)
        {
            if (seen.Add(piece))
                Pieces.Add(piece);
        }

        public void Run()
        {
            for (var i = 0; i < Pieces.Count; i++)
            {
                var piece = Pieces[i];
                if (piece.Section.Name == SectionRules.StaticCallText)
                    Problem(ProblemCodes.NewStaticCall, piece, piece.Name);
                if (piece.Cold is { } cold)
                    Add(cold);
                if (piece.ShortBranchTo is { } target)
                    Problem(ProblemCodes.ShortBranch, piece, $"{piece.Name} branches to {target}");
                foreach (var reference in piece.References.Concat(piece.Entries.SelectMany(e => e.References)))
                    Follow(piece, reference);
            }
        }

        // An unknown table that speaks of an included function would say nothing about its copy.
        public void CheckUnknownSections()
        {
            foreach (var section in Unit.SectionsOf(SectionRole.Unknown))
            {
                if (Unit.ReferencesOf(section).FirstOrDefault(r => r.Piece is { IsCode: true } p && seen.Contains(p)) is { } reference)
                    Problem(ProblemCodes.UnknownSection, reference.Piece!, $"{section.Name} refers to {reference.TargetName}");
            }
        }

        private void Follow(Piece from, Reference reference)
        {
            if (reference.Piece is not { } target || seen.Contains(target))
                return;
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
                    Problem(ProblemCodes.InteriorReference, target, $"{from.Name} refers to {target.Name}");
                    break;
                case PieceKind.Variable:
                    FollowVariable(from, target);
                    break;
            }
        }

        private void FollowFunction(Piece from, Reference reference, Piece target)
        {
            if (diff.Correlation.BeforeOf(target) is null)
            {
                if (Unit.RoleOf(target.Section) == SectionRole.Code)
                    Add(target);
                else
                    ProblemOfSection(from, target);
            }
            else if (reference.Displacement != 0)
            {
                Problem(ProblemCodes.InteriorReference, target, $"{from.Name} refers to {target.Name}{reference.Displacement:+0;-0}");
            }
        }

        private void FollowUnnamed(Piece from, Piece target)
        {
            if (target.IsConstant)
                Add(target);
            else
                ProblemOfSection(from, target);
        }

        private void ProblemOfSection(Piece from, Piece target) =>
            Problem(Unit.RoleOf(target.Section) == SectionRole.Init ? ProblemCodes.InitReference : ProblemCodes.UnknownSection, target,
                $"{from.Name} refers to {(target.Kind == PieceKind.Unnamed ? "unnamed data" : target.Name)} in {target.Section.Name}");

        private void FollowVariable(Piece from, Piece target)
        {
            if (diff.Correlation.BeforeOf(target) is not null)
            {
                if (diff.Correlation.IsDoubtful(target))
                    Problem(ProblemCodes.AmbiguousStaticLocal, target, $"{from.Name} refers to one of several named {SymbolNames.OfVariable(target.Name)}");
                return;
            }

            if (Unit.RoleOf(target.Section) != SectionRole.Data)
                ProblemOfSection(from, target);
            else if (KernelConstant(target) is { } twin)
                KernelTwins[target] = twin;
            else
                Add(target);
        }

        // A constant of a function keeps the kernel's address where the kernel has it: a pointer to it may be stored.
        private Piece? KernelConstant(Piece target) =>
            target is { IsConstant: true, IsThrowaway: false }
                ? constantsBefore[SymbolNames.OfVariable(target.Name)].FirstOrDefault(b => diff.Comparer.Compare(b, target) is null)
                : null;

        private void Problem(ProblemCode code, Piece about, string reason)
        {
            if (reported.Add((code, about)))
                Problems.Add(new(code, $"{diff.Unit}: {reason}"));
        }
    }
}
