// In: the changed functions of a unit. Out: the same, and where one has no ftrace entry, the functions that call it instead: they
// bring the new function with them, and are diverted in its place. `inline` means notrace in the kernel, and the compiler emits
// some such functions all the same: the bodies of system calls, large helpers.
//
// That is right where every way into the old function leads through a diverted one. So its address may be nowhere but in branches
// of this unit, and no other unit may know its name. Whoever jumps to it instead of calling it leaves no return address on the
// stack: a task that sleeps in the old function is not seen when the kernel looks for tasks in diverted ones. See CheckLifts.

using Elivepatch.Engine.Units;
using Elivepatch.Model;

namespace Elivepatch.Engine.Diff;

/// <summary>Diverts the callers of what cannot be diverted itself.</summary>
internal sealed class LiftToCallers
{
    // Lists of names of functions rather than of ways into them.
    private static readonly HashSet<string> lists = ["_kprobe_blacklist", "_error_injection_whitelist", ".discard.addressable"];

    private readonly Correlation correlation;
    private readonly List<Problem> problems;
    private readonly Dictionary<Piece, FunctionChange> changes;
    private readonly ILookup<Piece, (Piece From, Reference Reference)> usesBefore,
        usesAfter;

    // By function after the patch that is not diverted: who branches to it, diverted or not.
    private readonly Dictionary<Piece, List<(Piece Caller, bool IsCall)>> callers = [];

    private LiftToCallers(Correlation correlation, IEnumerable<FunctionChange> changed, List<Problem> problems)
    {
        (this.correlation, this.problems) = (correlation, problems);
        changes = changed.ToDictionary(c => c.After);
        (usesBefore, usesAfter) = (UsesIn(correlation.Before), UsesIn(correlation.After));
    }

    /// <summary>
    /// The functions that a livepatch brings, in object order; a problem for each that can neither be diverted nor lifted.
    /// </summary>
    public static List<FunctionChange> Run(Correlation correlation, IReadOnlyList<FunctionChange> changed, List<Problem> problems)
    {
        if (changed.All(c => c.Before!.HasFtraceEntry))
        {
            return [.. changed];
        }

        var lift = new LiftToCallers(correlation, changed, problems);
        lift.LiftAll(changed);
        return [.. correlation.After.Functions.Where(lift.changes.ContainsKey).Select(lift.Finished)];
    }

    private void LiftAll(IReadOnlyList<FunctionChange> changed)
    {
        var queue = new Queue<FunctionChange>(changed.Where(c => !c.Before!.HasFtraceEntry));
        while (queue.TryDequeue(out var change))
        {
            if (FindProblem(change) is { } why)
            {
                problems.Add(
                    new(
                        DiffProblems.NotTraceable,
                        $"{correlation.After.Name}: {change.Before!.Name} ({change.Difference?.What ?? "requested"}): {CauseOf(change.Before)}; {why}"
                    )
                );
                continue;
            }

            var found = CallersOf(change);
            callers[change.After] = found;
            // What nobody calls has been inlined everywhere, and those functions changed by themselves.
            if (found.Count == 0)
            {
                changes.Remove(change.After);
            }
            else
            {
                changes[change.After] = change with { IsDiverted = false };
            }

            foreach (var caller in found.Select(c => c.Caller).Where(c => !changes.ContainsKey(c)).Distinct())
            {
                var lifted = new FunctionChange(
                    caller,
                    correlation.BeforeOf(caller),
                    new(0, $"calls {change.After.Name}, which cannot be diverted")
                )
                {
                    LiftedFrom = change.After,
                };
                changes[caller] = lifted;
                if (!lifted.Before!.HasFtraceEntry)
                {
                    queue.Enqueue(lifted);
                }
            }
        }
    }

    private FunctionChange Finished(Piece function)
    {
        var change = changes[function];
        return change.IsDiverted ? change : change with { IsSeenOnStacks = IsSeen(function, []) };
    }

    // A diverted function that calls it has a return address on the stack; one that is not is as good as those that lead to it.
    private bool IsSeen(Piece function, HashSet<Piece> asked) =>
        !asked.Add(function)
        || callers[function]
            .TrueForAll(c =>
                changes.TryGetValue(c.Caller, out var caller) && caller.IsDiverted ? c.IsCall : IsSeen(c.Caller, asked)
            );

    private string? FindProblem(FunctionChange change)
    {
        var (before, after) = (change.Before!, change.After);
        if (change.IsOnRequest)
        {
            return "only what changes is lifted to its callers";
        }

        if (before.IsGlobal || after.IsGlobal)
        {
            return "and callers in other units keep calling the old one";
        }

        var uses = usesBefore[before].Concat(usesAfter[after]).ToList();
        if (uses.Find(u => u.Reference.Use == ReferenceUse.Address) is { From: { } holder })
        {
            return $"and {holder.Name} holds its address";
        }

        if ((ListWith(correlation.Before, before) ?? ListWith(correlation.After, after)) is { } list)
        {
            return $"and {list} holds its address";
        }

        if (
            usesBefore[before]
                .Select(u => FunctionOf(u.From))
                .FirstOrDefault(f => f.IsCode && correlation.AfterOf(f) is null && IsRunning(f)) is
            { } gone
        )
        {
            return $"and {gone.Name}, which calls it, is removed";
        }

        if (uses.Find(u => u.Reference.Displacement != 0) is { From: { } inside })
        {
            return $"and {inside.Name} branches into it";
        }

        return
            correlation
                .Before.Pieces.Concat(correlation.After.Pieces)
                .FirstOrDefault(p => p.ShortBranchTo is { } to && (to == before.Name || to == after.Name))
                is { } near
            ? $"and {near.Name} reaches it by a branch that cannot be replaced"
            : null;
    }

    private bool IsRunning(Piece before) => correlation.Before.RoleOf(before.Section) == SectionRole.Code;

    // Data that has no name and that nobody refers to is in no piece.
    private static string? ListWith(UnitObject unit, Piece function) =>
        unit.SectionsOf(SectionRole.Registry)
            .Concat(unit.SectionsOf(SectionRole.Unknown))
            .Concat(unit.SectionsOf(SectionRole.Data))
            .FirstOrDefault(s =>
                !lists.Contains(s.Name) && unit.ReferencesOf(s).Any(r => r.Piece == function && r.Displacement == 0)
            )
            ?.Name;

    private List<(Piece Caller, bool IsCall)> CallersOf(FunctionChange change)
    {
        var before = usesBefore[change.Before!]
            .Select(u => (Caller: correlation.AfterOf(FunctionOf(u.From)), IsCall: IsSeenCall(u)));
        var after = usesAfter[change.After].Select(u => (Caller: (Piece?)FunctionOf(u.From), IsCall: IsSeenCall(u)));
        // A new function is only reached through changed ones; start code has run.
        return
        [
            .. before
                .Concat(after)
                .Where(c =>
                    c.Caller is { Kind: PieceKind.Function } caller
                    && caller != change.After
                    && correlation.BeforeOf(caller) is not null
                    && correlation.After.RoleOf(caller.Section) == SectionRole.Code
                )
                .Select(c => (c.Caller!, c.IsCall)),
        ];
    }

    // To the kernel a cold part is a function of its own: a return address in it is none in the diverted one.
    private static bool IsSeenCall((Piece From, Reference Reference) use) =>
        use.Reference.IsCall && use.From.Kind == PieceKind.Function;

    private string CauseOf(Piece before)
    {
        if (
            before.Section.Name.StartsWith(".noinstr", StringComparison.Ordinal)
            || before.Section.Name.StartsWith(".entry", StringComparison.Ordinal)
        )
        {
            return "it is noinstr code";
        }

        if (!correlation.Before.Functions.Any(f => f.HasFtraceEntry))
        {
            return "its unit is compiled without ftrace entries";
        }

        return "it is marked notrace, or inline, which means notrace in the kernel";
    }

    private static Piece FunctionOf(Piece code) => code.Parent ?? code;

    private static ILookup<Piece, (Piece From, Reference Reference)> UsesIn(UnitObject unit) =>
        unit
            .Pieces.Concat(unit.UnnamedData)
            .SelectMany(p => ReferencesOf(p).Select(r => (From: p, Reference: r)))
            .Where(u =>
                u.Reference.Piece is { Kind: PieceKind.Function }
                && FunctionOf(u.From) != u.Reference.Piece
                && !IsOwnLabel(u.From, u.Reference)
            )
            .ToLookup(u => u.Reference.Piece!);

    // A table of places inside of the function is a part of it; whether others use the table is looked at with what is included.
    private static bool IsOwnLabel(Piece from, Reference reference) =>
        !from.IsCode && reference.Displacement != 0 && from.LabelledFunctions.Contains(reference.Piece!);

    // An alternative's code is as good as that of the function in which it may stand.
    private static IEnumerable<Reference> ReferencesOf(Piece piece)
    {
        var own = piece.References.Concat(piece.Entries.SelectMany(e => e.References)).ToList();
        return own.Concat(
            own.Select(r => r.Piece).Where(p => p is { Kind: PieceKind.Replacement }).Distinct().SelectMany(p => p!.References)
        );
    }
}
