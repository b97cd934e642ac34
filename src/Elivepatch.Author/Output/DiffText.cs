using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Output;

/// <summary>The report of a diff as people read it.</summary>
internal static class DiffText
{
    /// <summary>Writes a report; <paramref name="problems"/> are its refusals.</summary>
    public static void Write(TextWriter output, DiffReport report, IReadOnlyList<Problem> problems)
    {
        var sections = new (string Title, IReadOnlyList<(string Name, string Remark)> Rows)[]
        {
            ("changed functions", [.. report.Changed.Select(c => (c.Name, c.Difference))]),
            (
                "new functions",
                [.. report.NewFunctions.Select(f => (f.Name, (f.IsGlobal ? "global" : "static") + Unused(f.IsUsed)))]
            ),
            ("removed functions", [.. report.RemovedFunctions.Select(f => (f, ""))]),
            ("new data", [.. report.NewData.Select(d => (d.Name, $"{d.Size} bytes in {d.Section}{Unused(d.IsUsed)}"))]),
            ("no change but of line numbers", [.. report.LineNumbersOnly.Select(f => (f, ""))]),
        };
        output.WriteLine(Printable.Escape(report.Unit));
        if (Array.TrueForAll(sections, s => s.Rows.Count == 0) && problems.Count == 0)
        {
            output.WriteLine("  nothing changed");
        }

        foreach (var (title, rows) in sections.Where(s => s.Rows.Count > 0))
        {
            output.WriteLine($"{title}:");
            Columns.Write(output, [.. rows.Select(r => new[] { r.Name, r.Remark })], indent: 2);
        }
        if (problems.Count > 0)
        {
            output.WriteLine("refused:");
            ProblemText.Write(output, problems);
        }
    }

    private static string Unused(bool? isUsed) => isUsed == false ? ", not used" : "";
}
