using Elivepatch.Elf;
using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Diff;

/// <summary>
/// Finds what the patch changed in one unit. In: the correlation. Out: a <see cref="UnitDiff"/>. Changed functions can be made
/// live; everything else that changed (initialised data, start-up code, lists that the kernel has read already) becomes a
/// problem that says why not, unless the author states that one thing of it may be left out.
/// </summary>
public static class DetectChanges
{
    /// <summary>Runs the pass.</summary>
    /// <param name="correlation">The pairs.</param>
    /// <param name="selection">Functions that count as changed although they are the same; null for none.</param>
    /// <param name="stated">What the author states of the unit; null for nothing.</param>
    /// <param name="linesMove">
    /// True where the two were compiled from sources whose lines are numbered each on its own: what differs in line numbers alone
    /// is the same.
    /// </param>
    public static UnitDiff Run(
        Correlation correlation,
        FunctionSelection? selection = null,
        UnitStatements? stated = null,
        bool linesMove = false
    )
    {
        var comparer = new PieceComparer(correlation, correlation.After.Layouts, linesMove);
        var problems = new List<Problem>();
        var statements = stated ?? new(correlation.After.Name, []);
        selection = selection.Union(statements.FunctionsToPatch);
        var changed = ChangedFunctions(correlation, comparer, selection, problems);
        foreach (var function in changed.SelectMany(c => c.Before!.Symbols))
        {
            statements.TryUse(StatementKind.PatchFunctionToo, function.Name);
        }

        var types = new StorageTypes(correlation.Before.Debug, correlation.After.Debug);
        CheckLayouts.Run(correlation, statements, problems);
        CheckEnumConstants.Run(correlation, statements, problems);
        new CheckRenames(correlation, types, statements, problems).Run();
        var leftOut = CheckVariables(correlation, comparer, [.. changed.Select(c => c.After)], types, statements, problems);
        CheckIdLists.Run(correlation, problems);
        CheckInit(correlation, comparer, statements, problems);
        leftOut.AddRange(CheckExports.Run(correlation, statements, problems));
        CheckLists(correlation, comparer, SectionRole.Registry, DiffProblems.ChangedRegistry, problems);
        CheckLists(correlation, comparer, SectionRole.Unknown, DiffProblems.UnknownSection, problems);

        if (selection is not null)
        {
            problems.AddRange(
                selection
                    .Names.Except(changed.SelectMany(c => c.Before!.Symbols).Select(s => s.Name), StringComparer.Ordinal)
                    .Select(n => new Problem(DiffProblems.RequestedFunctionMissing, $"{correlation.After.Name}: {n}"))
            );
        }

        return new(
            correlation,
            comparer,
            changed,
            [
                .. correlation
                    .After.Functions.Where(p => IsRunning(correlation.After, p) && correlation.BeforeOf(p) is null)
                    .Select(p => new FunctionChange(p, null, null)),
            ],
            [.. correlation.Before.Functions.Where(p => IsRunning(correlation.Before, p) && correlation.AfterOf(p) is null)],
            [
                .. correlation.After.Pieces.Where(p =>
                    p.Kind == PieceKind.Variable && !p.IsThrowaway && correlation.BeforeOf(p) is null
                ),
            ],
            problems
        )
        {
            Statements = statements,
            LeftOut = leftOut,
            OnlyLinesMoved = linesMove ? OnlyLinesMoved(correlation, comparer) : [],
        };
    }

    private static IReadOnlyList<Piece> OnlyLinesMoved(Correlation correlation, PieceComparer comparer)
    {
        var strict = new PieceComparer(correlation, correlation.After.Layouts);
        return
        [
            .. correlation.After.Functions.Where(a =>
                IsRunning(correlation.After, a)
                && correlation.BeforeOf(a) is { } b
                && comparer.Compare(b, a) is null
                && strict.Compare(b, a) is not null
            ),
        ];
    }

    private static bool IsRunning(UnitObject unit, Piece piece) => unit.RoleOf(piece.Section) == SectionRole.Code;

    private static List<FunctionChange> ChangedFunctions(
        Correlation correlation,
        PieceComparer comparer,
        FunctionSelection? selection,
        List<Problem> problems
    )
    {
        var changed = new List<FunctionChange>();
        foreach (var after in correlation.After.Functions.Where(p => IsRunning(correlation.After, p)))
        {
            if (correlation.BeforeOf(after) is not { } before)
            {
                continue;
            }

            var difference = comparer.Compare(before, after);
            if (difference is null && selection?.Selects(before) != true)
            {
                continue;
            }

            changed.Add(new(after, before, difference));
            if (before.IsGlobal != after.IsGlobal)
            {
                problems.Add(
                    new(
                        DiffProblems.ChangedSymbolKind,
                        $"{correlation.After.Name}: {before.Name} is {Linkage(after)} and was {Linkage(before)}"
                    )
                );
            }
        }

        return LiftToCallers.Run(correlation, changed, problems);
    }

    private static string Linkage(Piece piece) => piece.IsGlobal ? "global" : "static";

    // Says in words what of the patch is left out.
    private static List<string> CheckVariables(
        Correlation correlation,
        PieceComparer comparer,
        HashSet<Piece> changed,
        StorageTypes types,
        UnitStatements statements,
        List<Problem> problems
    )
    {
        var leftOut = new List<string>();
        var variableTypes = new CheckVariableTypes(correlation, types, statements, problems);
        foreach (var before in correlation.Before.Pieces.Where(p => p.Kind == PieceKind.Variable && !p.IsThrowaway))
        {
            if (correlation.Before.RoleOf(before.Section) != SectionRole.Data)
            {
                continue;
            }

            if (correlation.AfterOf(before) is not { } after)
            {
                // A constant has no state to lose: whoever still runs old code has the kernel's copy.
                if (
                    !(before.IsConstant && SymbolNames.IsStaticLocal(before.Name))
                    && CheckRemoved(correlation, before, statements, problems) is { } end
                )
                {
                    leftOut.Add(end);
                }

                continue;
            }

            var unit = correlation.After.Name;
            var difference = comparer.Compare(before, after);
            // A size that changes is refused as such, whatever the type is.
            if (before.Size == after.Size && (difference is not null || !before.IsConstant))
            {
                variableTypes.Check(before, after);
            }

            var (kind, newKind) = (SectionRules.MemoryOf(before.Section), SectionRules.MemoryOf(after.Section));
            if (before.IsGlobal != after.IsGlobal)
            {
                problems.Add(
                    new(DiffProblems.ChangedSymbolKind, $"{unit}: {before.Name} is {Linkage(after)} and was {Linkage(before)}")
                );
            }
            else if (kind != newKind)
            {
                problems.Add(
                    new(
                        DiffProblems.ChangedMemoryKind,
                        $"{unit}: {before.Name} moves from {before.Section.Name} to {after.Section.Name}"
                    )
                );
            }
            // Labels of a changed function are part of that change; Include sees to it that nobody is left with the old ones.
            else if (difference is not null && !after.LabelledFunctions.Any(changed.Contains))
            {
                LeaveOut.CheckInitialiser(correlation, before, after, difference, statements, problems);
            }
        }

        return leftOut;
    }

    private static string? CheckRemoved(Correlation correlation, Piece before, UnitStatements statements, List<Problem> problems)
    {
        var unit = correlation.Before.Name;
        if (!SymbolNames.IsStaticLocal(before.Name))
        {
            problems.Add(new(DiffProblems.RemovedData, $"{unit}: {before.Name}"));
            return null;
        }

        var plain = SymbolNames.OfVariable(before.Name);
        var owner = correlation.Before.DeclaringFunctionOf(before) is { } function ? $" of {function}()" : "";
        if (
            !correlation.After.Pieces.Exists(p =>
                p.Kind == PieceKind.Variable && SymbolNames.OfVariable(p.Name) == plain && correlation.BeforeOf(p) is null
            )
        )
        {
            return LeaveOut.CheckStaticLocal(correlation, before, statements, problems);
        }

        problems.Add(new(DiffProblems.AmbiguousStaticLocal, $"{unit}: which variable after the patch is {plain}{owner}?"));
        return null;
    }

    // Code and data of the start are compared piece by piece where they have names and as a whole where not.
    private static void CheckInit(
        Correlation correlation,
        PieceComparer comparer,
        UnitStatements statements,
        List<Problem> problems
    )
    {
        static Dictionary<string, Piece> Pieces(UnitObject unit) =>
            unit
                .Pieces.Where(p => unit.RoleOf(p.Section) == SectionRole.Init && !p.IsThrowaway)
                .GroupBy(p => SymbolNames.OfVariable(SymbolNames.OfFunction(p.Name)))
                .Where(g => g.Count() == 1)
                .ToDictionary(g => g.Key, g => g.First());

        var (before, after) = (Pieces(correlation.Before), Pieces(correlation.After));
        foreach (var name in before.Keys.Union(after.Keys).Order(StringComparer.Ordinal))
        {
            var what = (before.GetValueOrDefault(name), after.GetValueOrDefault(name)) switch
            {
                (null, _) => "is new",
                ({ } b, null) => correlation.After.Functions.Any(a => correlation.IsTakenOutOfInit(b, a)) ? null : "disappears",
                var (b, a) => comparer.Compare(b, a)?.ToString(),
            };
            if (what is not null)
            {
                statements.AddUnlessLifted(
                    problems,
                    new(DiffProblems.ChangedInit, $"{correlation.After.Name}: {name} {what}"),
                    StatementKind.LeaveOutInit,
                    SymbolNames.OfVariable(SymbolNames.SourceFunction(name))
                );
            }
        }
    }

    private static void CheckLists(
        Correlation correlation,
        PieceComparer comparer,
        SectionRole role,
        ProblemCode code,
        List<Problem> problems
    )
    {
        static ILookup<string, ElfSection> Sections(UnitObject unit, SectionRole role) =>
            unit.SectionsOf(role)
                .Where(s =>
                    s.Size > 0
                    && !s.Name.StartsWith(".discard.addressable", StringComparison.Ordinal)
                    && !ExportLists.IsExportSection(s)
                )
                .ToLookup(s => s.Name);

        var (before, after) = (Sections(correlation.Before, role), Sections(correlation.After, role));
        foreach (var name in before.Select(g => g.Key).Union(after.Select(g => g.Key)))
        {
            var (olds, news) = (before[name].ToList(), after[name].ToList());
            if (olds.Count != news.Count)
            {
                problems.Add(
                    new(code, $"{correlation.After.Name}: {name} {(olds.Count < news.Count ? "appears" : "disappears")}")
                );
                continue;
            }

            foreach (var (old, @new) in olds.Zip(news))
            {
                var references = correlation.After.ReferencesOf(@new);
                var difference =
                    old.Size != @new.Size
                        ? new(0, $"0x{old.Size:x} bytes become 0x{@new.Size:x}")
                        : comparer.CompareReferences(
                            correlation.Before.ReferencesOf(old),
                            references,
                            role == SectionRole.Registry
                        )
                            ?? PieceComparer.CompareBytes(
                                old.Content,
                                @new.Content,
                                references,
                                correlation.After.Architecture.Order
                            )
                            ?? CompareSymbols(correlation, old, @new);
                if (difference is not null)
                {
                    problems.Add(new(code, $"{correlation.After.Name}: {name} {difference}"));
                }
            }
        }
    }

    // A list may say something by the names of its symbols alone.
    private static Difference? CompareSymbols(Correlation correlation, ElfSection before, ElfSection after)
    {
        static List<(ulong Offset, string Name)> Symbols(UnitObject unit, ElfSection section) =>
            [
                .. unit
                    .Elf.Symbols.Where(s => s.Section == section && s.IsDefined && !s.IsSectionSymbol && s.Name.Length > 0)
                    .Select(s => (s.Value, SymbolNames.OfListEntry(s.Name)))
                    .Order(),
            ];

        var (olds, news) = (Symbols(correlation.Before, before), Symbols(correlation.After, after));
        var index = olds.Zip(news).TakeWhile(p => p.First == p.Second).Count();
        return (index < olds.Count, index < news.Count) switch
        {
            (false, false) => null,
            (true, false) => new(olds[index].Offset, $"{olds[index].Name} disappears"),
            (false, true) => new(news[index].Offset, $"{news[index].Name} appears"),
            _ => new(news[index].Offset, $"{news[index].Name} is where {olds[index].Name} was"),
        };
    }
}
