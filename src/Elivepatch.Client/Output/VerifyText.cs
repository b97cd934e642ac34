using System.Globalization;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Output;

/// <summary>What a manifest says, as people read it.</summary>
internal static class VerifyText
{
    /// <summary>Writes it.</summary>
    public static void Write(TextWriter output, VerifyReport report)
    {
        output.WriteLine(Printable.Escape($"{report.File}: can be trusted"));
        var rows = new List<string[]>
        {
            new[] { "module", report.Module },
            new[] { "kernel", report.Release },
            new[] { "build-id", report.BuildId },
            new[] { "compiler", report.Compiler },
        };
        rows.AddRange(report.Patches.Select(p => new[] { "patch", p.Name, p.Sha256 }));
        rows.AddRange(report.BasePatches.Select(p => new[] { "base patch", p.Name, p.Sha256 }));
        rows.AddRange(report.Objects.Select(o => new[] { "patches", o.Name, o.BuildId is { } id ? $"build-id {id}" : "" }));
        rows.AddRange(report.Units.Select(u => new[] { "unit", u.Unit, u.Proof }));
        rows.AddRange(report.KeptInMemory.Select(e => new[] { "stays in memory", $"{e.Function} {e.Event}".Trim() }));
        rows.Add([
            "test",
            report.Tested switch
            {
                true => "passed in a virtual machine",
                false => "failed",
                null => "none",
            },
        ]);
        rows.AddRange(report.Untested.Select(m => new[] { "not tested with", m }));
        rows.Add(["signed by", report.Key]);
        rows.Add(["valid", $"{Time(report.Issued)} to {Time(report.Expires)}"]);
        Columns.Write(output, rows, indent: 2);
        StatementText.Write(output, report.Statements, indent: 2);
    }

    private static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
