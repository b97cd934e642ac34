using Elivepatch.Elf.Dwarf;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Escape;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Targets;
using Elivepatch.Engine.Units;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Engine.Explain;

/// <summary>Says what is in a livepatch and why. In: what was linked. Out: an <see cref="Explanation"/>.</summary>
public static class ExplainLivepatch
{
    /// <summary>Runs the pass.</summary>
    public static Explanation Run(
        string name,
        string release,
        string buildId,
        bool replace,
        IReadOnlyList<LinkUnit> units,
        IReadOnlyList<PatchedFunction> patched,
        IReadOnlyList<KernelReference> references,
        IReadOnlyList<EditedLines> edits,
        EscapeFindings escapes,
        bool pinsModules = false
    )
    {
        var old = patched.ToDictionary(p => p.Change.After, p => p.Old);
        return new(
            name,
            release,
            buildId,
            replace,
            [.. units.Select(Unit)],
            [.. units.SelectMany(u => Functions(u.Inclusion, old, edits))],
            [.. units.SelectMany(u => Data(u.Inclusion))],
            [.. references.Select(Reference)]
        )
        {
            KeptInMemory = Kept(units, escapes),
            Objects = [.. patched.GroupBy(p => p.Target).Select(g => Object(g.Key, g.Count(), pinsModules))],
        };
    }

    private static ExplainedUnit Unit(LinkUnit unit) =>
        new(unit.Inclusion.Diff.Unit, unit.Placement.Proof.ToString().ToLowerInvariant(), unit.Placement.Symbols.Count)
        {
            Object = unit.Placement.Target.ObjectName,
        };

    private static ExplainedObject Object(PatchTarget target, int functions, bool pinsModules) =>
        target is ModuleTarget module
            ? new(module.ObjectName, module.BuildId, functions, pinsModules)
            : new(target.ObjectName, null, functions, false);

    private static ExplainedReference Reference(KernelReference reference) =>
        new(reference.Name, reference.Export is not null, reference.Export?.Crc, reference.Livepatch?.Position.Value)
        {
            Object = reference.Livepatch?.ObjectName ?? reference.Export?.Module,
        };

    private static List<ExplainedEscape> Kept(IReadOnlyList<LinkUnit> units, EscapeFindings escapes)
    {
        // A name that several units have names no unit.
        var homes = units
            .SelectMany(u => u.Inclusion.Pieces.Where(p => p.IsCode).Select(p => (p.Name, u.Inclusion.Diff.Unit)))
            .GroupBy(p => p.Name, p => p.Unit)
            .Where(g => g.Distinct().Count() == 1)
            .ToDictionary(g => g.Key, g => g.First());
        var kept = escapes.Escapes.Select(e => new ExplainedEscape(
            homes.GetValueOrDefault(e.Function),
            e.Function,
            e.Address,
            e.Kind,
            e.Way,
            e.To,
            e.Event
        ));
        return escapes.IsComplete
            ? [.. kept]
            :
            [
                .. kept,
                new(
                    null,
                    "",
                    "",
                    AddressKind.Data,
                    EscapeWay.NotFollowed,
                    null,
                    "its code is too large to be followed to the end"
                ),
            ];
    }

    private static IEnumerable<ExplainedFunction> Functions(
        Inclusion inclusion,
        Dictionary<Piece, LivepatchSymbol> old,
        IReadOnlyList<EditedLines> edits
    )
    {
        var diff = inclusion.Diff;
        var edited = EditedFunctions.Find(diff.Correlation.Before.Debug, edits);
        var changes = diff.Changed.ToDictionary(c => c.After);
        foreach (var piece in inclusion.Pieces)
        {
            if (piece.Kind == PieceKind.ColdPart)
            {
                yield return new(diff.Unit, piece.Name, FunctionReason.ColdPart, [piece.Parent!.Name], null, null, null);
            }
            else if (piece.Kind == PieceKind.Function && diff.Correlation.BeforeOf(piece) is { } before)
            {
                var change = changes[piece];
                var (reason, because) =
                    change.IsOnRequest ? (FunctionReason.Requested, [])
                    : change.IsOnlyCaller ? (FunctionReason.Caller, [change.LiftedFrom!.Name])
                    : ReasonFor(diff, piece, before, edited);
                var symbol = old.GetValueOrDefault(piece);
                yield return new(
                    diff.Unit,
                    piece.Name,
                    reason,
                    because,
                    symbol?.Name,
                    symbol?.Position.Value,
                    change.IsOnlyCaller ? null : change.Difference?.ToString()
                );
            }
            else if (piece.Kind == PieceKind.Function)
            {
                yield return new(diff.Unit, piece.Name, FunctionReason.New, [], null, null, null);
            }
        }
    }

    private static (FunctionReason Reason, IReadOnlyList<string> Because) ReasonFor(
        UnitDiff diff,
        Piece after,
        Piece before,
        HashSet<DebugFunction> edited
    )
    {
        var old = FunctionAt(diff.Correlation.Before.Debug, before);
        if (old is not null && edited.Contains(old.Source))
        {
            return (FunctionReason.Edited, []);
        }

        // A function that was inlined on either side counts; the two sides are different debug information, so names decide.
        var names = edited.Select(f => f.Name).ToHashSet();
        var inlined = new[] { old, FunctionAt(diff.Correlation.After.Debug, after) }
            .OfType<DebugFunction>()
            .SelectMany(f => f.Inlined)
            .Select(f => f.Name)
            .Where(names.Contains)
            .Distinct()
            .Order(StringComparer.Ordinal)
            .ToList();
        return inlined.Count > 0 ? (FunctionReason.InlinesEdited, inlined) : (FunctionReason.CompiledDifferently, []);
    }

    private static DebugFunction? FunctionAt(DebugInfo debug, Piece piece) =>
        debug.Functions.FirstOrDefault(f => f.Location is { } l && l.Section == piece.Section && l.Offset == piece.Anchor);

    private static IEnumerable<ExplainedData> Data(Inclusion inclusion) =>
        inclusion
            .Pieces.Where(p => p.Kind is PieceKind.Variable or PieceKind.Unnamed)
            .Select(p => new ExplainedData(inclusion.Diff.Unit, p.Name, p.Size, IsCopy(p)));

    private static bool IsCopy(Piece data) =>
        data.Kind == PieceKind.Unnamed || data.IsThrowaway || data.LabelledFunctions.Count > 0;
}
