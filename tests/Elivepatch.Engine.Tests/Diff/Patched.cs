using Elivepatch.Elf;
using Elivepatch.Elf.Tests;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Units;
using Elivepatch.Model;
using Elivepatch.Model.Statements;

namespace Elivepatch.Engine.Tests.Diff;

/// <summary>Compiles C before and after a change as the kernel's build would and compares the two.</summary>
internal static class Patched
{
    public const string KernelFlags =
        "-O2 -std=gnu11 -fno-PIE -mcmodel=kernel -mno-red-zone -fno-common -fno-strict-aliasing -pg -mfentry "
        + "-mrecord-mcount -fno-asynchronous-unwind-tables -fno-stack-protector -fcf-protection=none -mno-sse -fno-jump-tables ";

    public static UnitObject Unit(string source, string flags = "", bool debug = true) =>
        Value(
            UnitObject.Read(
                X8664Architecture.Instance,
                "unit.c",
                ElfReader.Read(
                    Gcc.Compile(
                        source,
                        KernelFlags + (debug ? Gcc.EngineFlags : "-ffunction-sections -fdata-sections") + " " + flags
                    )
                ),
                layouts: null
            )
        );

    public static UnitDiff Compare(string before, string after, string flags = "", bool debug = true) =>
        DetectChanges.Run(Correlate.Run(Unit(before, flags, debug), Unit(after, flags, debug)));

    public static UnitDiff Compare(string before, string after, params AuthorStatement[] statements) =>
        DetectChanges.Run(Correlate.Run(Unit(before), Unit(after)), stated: Value(AuthorStatements.Of(statements)).In("unit.c"));

    /// <summary>
    /// As <see cref="Compare(string, string, string, bool)"/>, where these line numbers do not mean the same line before and
    /// after.
    /// </summary>
    public static UnitDiff CompareLines(string before, string after, params int[] doubtful) =>
        DetectChanges.Run(
            Correlate.Run(
                Unit(before),
                Unit(after),
                new(
                    new Dictionary<string, IReadOnlySet<int>>
                    {
                        [Unit(before).Debug.Variables[0].Declared.File!] = doubtful.ToHashSet(),
                    }
                )
            )
        );

    /// <summary>As <see cref="Compare(string, string, string, bool)"/>, where the patch changes or removes these lines.</summary>
    public static UnitDiff CompareChangedLines(string before, string after, params int[] changed)
    {
        IReadOnlySet<int> numbers = changed.ToHashSet();
        var (old, now) = (Unit(before), Unit(after));
        var byPath = new Dictionary<string, IReadOnlySet<int>> { [old.Debug.Variables[0].Declared.File!] = numbers };
        return DetectChanges.Run(Correlate.Run(old, now, new(byPath) { Changed = byPath, AddsVariables = false }));
    }

    public static string[] Changed(this UnitDiff diff) =>
        [.. diff.Changed.Select(c => c.After.Name).Order(StringComparer.Ordinal)];

    /// <summary>The variables of this name after the patch, whatever their number.</summary>
    public static List<Piece> After(this UnitDiff diff, string name) =>
        diff.Correlation.After.Pieces.FindAll(p => p.Kind == PieceKind.Variable && SymbolNames.OfVariable(p.Name) == name);

    public static int[] Numbers(this UnitDiff diff) => [.. diff.Problems.Select(p => p.Code.Number).Distinct().Order()];

    public static string[] Included(this UnitDiff diff) => [.. Value(Include.Run(diff)).Pieces.Select(p => p.Name)];

    public static T Value<T>(Outcome<T> outcome) =>
        outcome.Succeeded ? outcome.Value : throw new InvalidOperationException(string.Join('\n', outcome.Problems));
}
