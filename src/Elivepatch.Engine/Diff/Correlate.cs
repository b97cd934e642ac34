using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Pairs the pieces of the unit before and after the patch. In: two <see cref="UnitObject"/>s. Out: a <see cref="Correlation"/>.
/// <para>
/// Names decide where names mean something. For functions any pairing of clones (<c>foo.constprop.0</c>) is right, as every
/// caller is compared under the same pairing. For variables it is not: a static local that is paired wrongly shares state
/// with the wrong variable. They are paired by the function that owns them, and not at all where that leaves a choice.
/// </para>
/// <para>
/// A function that the patch takes out of the start code is a new one: the running kernel has freed the old.
/// </para>
/// </summary>
public static class Correlate
{
    /// <summary>Runs the pass.</summary>
    /// <param name="before">The unit without the patch.</param>
    /// <param name="after">The unit with the patch.</param>
    /// <param name="lines">Which line numbers mean the same line in both; null where nobody knows.</param>
    public static Correlation Run(UnitObject before, UnitObject after, StableLines? lines = null)
    {
        var correlation = new Correlation(before, after, lines);
        PairFunctions(correlation);
        PairNamedVariables(correlation);
        PairStaticLocals(correlation, lines);
        return correlation;
    }

    private static void PairFunctions(Correlation correlation)
    {
        foreach (var kind in new[] { PieceKind.Function, PieceKind.ColdPart })
        {
            PairByKey(correlation, p => p.Kind == kind, p => p.Name);
            PairByKey(correlation, p => p.Kind == kind && !correlation.Contains(p), p => SymbolNames.OfFunction(p.Name));
        }

        PairByAlias(correlation);
    }

    // Which of a function's names comes first depends on the symbol table, and an alias may come or go.
    private static void PairByAlias(Correlation correlation)
    {
        var others = correlation
            .After.Functions.Where(p => !correlation.Contains(p))
            .SelectMany(p => p.Symbols.Select(s => (s.Name, Piece: p)))
            .ToLookup(o => o.Name, o => o.Piece);
        foreach (var before in correlation.Before.Functions.Where(p => !correlation.Contains(p)).ToList())
        {
            var twins = before.Symbols.SelectMany(s => others[s.Name]).Distinct().ToList();
            if (twins.Count == 1 && !correlation.Contains(twins[0]) && !correlation.IsTakenOutOfInit(before, twins[0]))
            {
                correlation.Add(before, twins[0]);
            }
        }
    }

    private static void PairNamedVariables(Correlation correlation) =>
        PairByKey(
            correlation,
            p => p.Kind == PieceKind.Variable && !p.IsThrowaway && !SymbolNames.IsStaticLocal(p.Name),
            p => p.Name
        );

    // Pairs pieces whose key occurs once on each side.
    private static void PairByKey(Correlation correlation, Func<Piece, bool> belongs, Func<Piece, string> key)
    {
        var candidates = correlation.After.Pieces.Where(belongs).ToLookup(key);
        foreach (var group in correlation.Before.Pieces.Where(belongs).GroupBy(key).ToList())
        {
            var others = candidates[group.Key].ToList();
            if (group.Count() == 1 && others.Count == 1 && !correlation.IsTakenOutOfInit(group.First(), others[0]))
            {
                correlation.Add(group.First(), others[0]);
            }
        }
    }

    private static void PairStaticLocals(Correlation correlation, StableLines? lines)
    {
        static ILookup<string, Piece> Locals(UnitObject unit) =>
            unit
                .Pieces.Where(p => p.Kind == PieceKind.Variable && !p.IsThrowaway && SymbolNames.IsStaticLocal(p.Name))
                .ToLookup(p => SymbolNames.OfVariable(p.Name));

        var (ownersBefore, ownersAfter) = (new StaticLocalOwners(correlation.Before), new StaticLocalOwners(correlation.After));
        var after = Locals(correlation.After);
        foreach (var group in Locals(correlation.Before))
        {
            PairGroup(correlation, [.. group], [.. after[group.Key]], ownersBefore, ownersAfter, lines);
        }
    }

    private static void PairGroup(
        Correlation correlation,
        List<Piece> before,
        List<Piece> after,
        StaticLocalOwners ownersBefore,
        StaticLocalOwners ownersAfter,
        StableLines? lines
    )
    {
        foreach (var twins in before.GroupBy(ownersBefore.KeyOf))
        {
            var others = after.Where(p => !correlation.Contains(p) && ownersAfter.KeyOf(p) == twins.Key).ToList();
            if (twins.Count() == 1 && others.Count == 1)
            {
                correlation.Add(twins.First(), others[0], HasUnplaced(correlation, twins.First()));
                continue;
            }

            // Several of one name and one owner: by the lines that declare them, and what is left by number, in doubt.
            PairByLine(correlation, [.. twins], others, lines);
            foreach (var piece in twins.Where(p => !correlation.Contains(p)))
            {
                if (
                    twins.Count() == others.Count
                    && others.Find(p => p.Name == piece.Name && p.Size == piece.Size && !correlation.Contains(p)) is { } same
                )
                {
                    correlation.Add(piece, same, isDoubtful: true);
                }
            }
        }

        // Without debug information the owner is told from who refers to the variable, and inlining can change that. Where
        // one is left on each side and some function refers to both, they are one.
        var (leftBefore, leftAfter) = (
            before.FindAll(p => !correlation.Contains(p)),
            after.FindAll(p => !correlation.Contains(p))
        );
        if (leftBefore.Count == 1 && leftAfter.Count == 1 && ownersBefore.MayBeSame(leftBefore[0], ownersAfter, leftAfter[0]))
        {
            correlation.Add(leftBefore[0], leftAfter[0]);
        }
    }

    // A line that the patch leaves alone declares the same variable as before.
    private static void PairByLine(Correlation correlation, List<Piece> before, List<Piece> after, StableLines? lines)
    {
        if (lines is null || HasUnplaced(correlation, before[0]))
        {
            return;
        }

        foreach (var piece in before)
        {
            if (
                correlation.Before.DeclarationOf(piece) is not { } place
                || !lines.IsStable(place)
                || before.Count(p => correlation.Before.DeclarationOf(p) == place) != 1
            )
            {
                continue;
            }

            if (after.FindAll(p => correlation.After.DeclarationOf(p) == place) is [var twin] && twin.Size == piece.Size)
            {
                correlation.Add(piece, twin);
            }
        }
    }

    // Another one of that name is in the source and was optimised away: which of them is left need not be the same on both sides.
    private static bool HasUnplaced(Correlation correlation, Piece variable)
    {
        if (correlation.Before.DeclaringFunctionOf(variable) is not { } function)
        {
            return false;
        }

        var key = (function, SymbolNames.OfVariable(variable.Name));
        return correlation.Before.Debug.Unplaced.Contains(key) || correlation.After.Debug.Unplaced.Contains(key);
    }
}
