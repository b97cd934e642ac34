using System.Globalization;
using Elivepatch.Engine.Targets;
using Elivepatch.Model.Explanations;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Output;

/// <summary>A finished livepatch as people read it: what is in it and why.</summary>
internal static class BuildText
{
    /// <summary>Writes the report.</summary>
    public static void Write(TextWriter output, BuildReport report)
    {
        foreach (var warning in report.Warnings)
        {
            output.WriteLine($"the compiler warns: {Printable.Escape(warning)}");
        }

        foreach (var unit in report.Units)
        {
            output.WriteLine(Printable.Escape(unit.Unit) + $"{In(unit)}: {Proof(unit)}");
            Columns.Write(output, [.. report.Functions.Where(f => f.Unit == unit.Unit).Select(FunctionRow)], indent: 2);
            Columns.Write(output, [.. report.Data.Where(d => d.Unit == unit.Unit).Select(DataRow)], indent: 2);
        }
        foreach (var module in report.Objects.Where(o => o.StaysLoaded))
        {
            output.WriteLine(
                $"{Printable.Escape(module.Name)} cannot be unloaded while this is live: its kernel could not load it again"
            );
        }

        foreach (var line in report.LeftOut)
        {
            output.WriteLine($"left out: {Printable.Escape(line)}");
        }

        if (report.FilesWithoutCode.Count > 0)
        {
            output.WriteLine(
                $"changes no code of this kernel: {string.Join(", ", report.FilesWithoutCode.Select(Printable.Escape))}"
            );
        }

        WriteReferences(output, "refers to exports", report.References.Where(r => r.IsExported));
        WriteReferences(output, "refers to the kernel's own", report.References.Where(r => !r.IsExported));
        StatementText.Write(output, report.Statements);
        WriteKept(output, report.KeptInMemory);
        if (report.Timings is { } timings)
        {
            WriteTimings(output, timings);
        }

        output.WriteLine(
            $"{report.File}: livepatch for {report.Release}, {report.Size} bytes; {(report.Replace ? "replaces all other livepatches" : "other livepatches stay")}"
        );
    }

    // What is not said to be elsewhere is in vmlinux.
    private static string In(ExplainedUnit unit) =>
        unit.Object is null or VmlinuxTarget.Name ? "" : $" (module {Printable.Escape(unit.Object)})";

    private static string Proof(ExplainedUnit unit) =>
        unit.Proof == "bytes"
            ? $"the code that runs, byte by byte ({unit.Symbols} symbols)"
            : $"laid out as the code that runs ({unit.Symbols} symbols)";

    private static string[] FunctionRow(ExplainedFunction function) =>
        [
            function.Name,
            function.Reason switch
            {
                FunctionReason.Edited => "edited",
                FunctionReason.InlinesEdited => $"inlines {string.Join(", ", function.Because)}",
                FunctionReason.CompiledDifferently => "compiled differently",
                FunctionReason.New => "new",
                FunctionReason.ColdPart => $"cold part of {string.Join(", ", function.Because)}",
                FunctionReason.Caller => $"calls {string.Join(", ", function.Because)}, which cannot be diverted",
                FunctionReason.Requested => "unchanged, requested",
                _ => function.Reason.ToString(),
            },
            (function.Replaces, function.Sympos) switch
            {
                (null, _) => "",
                (var old, null or 0) => old == function.Name ? "" : $"replaces {old}",
                var (old, position) => $"replaces number {position} of the name {old}",
            } + (function.Difference is null ? "" : $" [{function.Difference}]"),
        ];

    private static string[] DataRow(ExplainedData data) =>
        [data.Name, data.IsCopy ? "a copy of its own" : "new data", $"{data.Size} bytes"];

    private static void WriteReferences(TextWriter output, string title, IEnumerable<ExplainedReference> references)
    {
        var names = references.Select(r => r.Sympos is > 0 ? $"{r.Name} (number {r.Sympos} of that name)" : r.Name).ToList();
        if (names.Count > 0)
        {
            output.WriteLine(Printable.Escape($"{title}: {string.Join(", ", names)}"));
        }
    }

    private static void WriteKept(TextWriter output, IReadOnlyList<ExplainedEscape> escapes)
    {
        if (escapes.Count == 0)
        {
            return;
        }

        output.WriteLine(
            "warning: the kernel may keep addresses of this livepatch, so its module stays in memory until the machine restarts:"
        );
        Columns.Write(output, [.. escapes.Select(e => new[] { e.Unit ?? "", e.Function, e.Event })], indent: 2);
        output.WriteLine("  it can be disabled and replaced, and not unloaded");
    }

    private static void WriteTimings(TextWriter output, IReadOnlyList<Timing> timings)
    {
        static string Seconds(double seconds) => seconds.ToString("0.000", CultureInfo.InvariantCulture).PadLeft(8) + " s";

        output.WriteLine("timings:");
        Columns.Write(
            output,
            [.. timings.Select(t => new[] { t.Stage, Seconds(t.Seconds) }), ["total", Seconds(timings.Sum(t => t.Seconds))]],
            indent: 2
        );
    }
}
