using System.Globalization;

namespace Elivepatch.Bench;

/// <summary>Writes results for people.</summary>
internal static class BenchText
{
    /// <summary>Writes everything.</summary>
    public static void Write(TextWriter output, BenchResult result)
    {
        var machine = result.Machine;
        output.WriteLine(
            Text($"{machine.Processor}, {machine.Processors} processors, {machine.MemoryGiB} GiB, {machine.System}")
        );
        output.WriteLine(Text($"load average {machine.Load:0.0} at the start, {result.LoadAtEnd:0.0} at the end"));
        output.WriteLine($"{result.Kernel}, {result.Compiler}");
        output.WriteLine(Text($"median (least to most) of {result.Runs} runs; times of whole processes"));
        output.WriteLine();
        output.WriteLine("case        units  reference s  one by one s  state  build s                 over reference       aim");
        foreach (var c in result.Cases)
        {
            Row(output, c, "cold", c.Cold);
            Row(output, c, "warm", c.Warm);
        }

        output.WriteLine();
        output.WriteLine(
            "stage, median s     " + string.Concat(result.Cases.Select(c => $"{c.Name + " cold", 16}{c.Name + " warm", 16}"))
        );
        for (var i = 0; i < result.Cases[0].Cold.Stages.Count; i++)
        {
            var times = result.Cases.Select(c =>
                Text($"{c.Cold.Stages[i].Seconds, 16:0.000}{c.Warm.Stages[i].Seconds, 16:0.000}")
            );
            output.WriteLine($"{result.Cases[0].Cold.Stages[i].Stage, -20}{string.Concat(times)}");
        }
    }

    private static void Row(TextWriter output, CaseResult c, string state, StateResult s)
    {
        var aim = s.Aim is { } most ? Text($"{most:0.0} {(s.Ratio.Median <= most ? "met" : "missed")}") : "-";
        output.WriteLine(
            Text(
                $"{c.Name, -12}{c.Units, 5}{c.Reference.Median, 13:0.00}{c.Sequential?.Median, 14:0.00}  {state, -7}{Range(s.Seconds), -24}{Range(s.Ratio), -21}{aim}"
            )
        );
    }

    private static string Range(Figures f) => Text($"{f.Median:0.00} ({f.Least:0.00} to {f.Most:0.00})");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
