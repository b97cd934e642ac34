using System.Globalization;

namespace Elivepatch.FixesBench;

/// <summary>Writes a result for people.</summary>
internal static class FixesText
{
    private const int LongestReason = 300;

    /// <summary>What came of a build, in a few words.</summary>
    public static string Word(FixBuild build) =>
        build.Outcome switch
        {
            FixOutcome.Built => "built",
            FixOutcome.Unchanged => "no change",
            FixOutcome.Refused => $"refused, {string.Join(' ', build.Reasons.Select(r => r.Code).Distinct())}",
            FixOutcome.NotCompiling => "does not compile",
            FixOutcome.NotLinking => $"would not link, {build.Reasons[0].Reason}",
            FixOutcome.NeedsHeaders => "needs changed headers",
            _ => $"FAILED, {string.Join(' ', build.Reasons.Select(r => r.Code).Distinct())}",
        };

    /// <summary>Writes everything.</summary>
    public static void Write(TextWriter output, FixesResult result)
    {
        var machine = result.Machine;
        output.WriteLine(
            Text(
                $"{machine.Processor}, {machine.Processors} processors, {machine.MemoryGiB} GiB, {machine.System}, load average {machine.Load:0.0} at the end"
            )
        );
        output.WriteLine($"{result.From} to {result.To}, for {result.Kernel}, {result.Compiler}");
        output.WriteLine();
        Row("differing C files", result.Differing);
        Row("  not in this kernel", result.NotInKernel);
        Row("  in modules", result.InModules);
        Row("  do not compile", result.NotCompiling);
        Row("  would not link", result.NotLinking);
        Row("  need headers", result.NeedHeaders);
        Rows("compile alone", result.Alone);
        Rows("with headers", result.WithHeaders);
        if (result.Seconds is { } seconds)
        {
            output.WriteLine(
                Text(
                    $"a build: median {seconds.Median:0.0} s, worst {seconds.Most:0.0} s; at most {result.PeakMiB:0} MiB with its compilers"
                )
            );
        }

        output.WriteLine(
            result.Live is { } live ? $"live and clean in a guest: {live}; wrong: {result.Wrong.Count}" : "not tried in a guest"
        );
        foreach (var wrong in result.Wrong)
        {
            output.WriteLine($"  {wrong.Path}: {string.Join("; ", wrong.Findings.Select(f => $"{f.Code} {Short(f.Reason)}"))}");
        }

        if (result.Refusals.Count > 0)
        {
            output.WriteLine($"{Environment.NewLine}refused");
        }

        foreach (var refusal in result.Refusals)
        {
            output.WriteLine(Text($"{refusal.Count, 5}  {refusal.Code}  {Short(refusal.Reason)}"));
        }

        foreach (var part in result.Builds.Where(b => b.Outcome == FixOutcome.NotLinking))
        {
            output.WriteLine(
                $"would not link: {part.Path}: {string.Join("; ", part.Reasons.Select(r => $"{r.Code} {Short(r.Reason)}"))}"
            );
        }

        foreach (var failed in result.Builds.Where(b => b.Outcome == FixOutcome.Failed))
        {
            output.WriteLine(
                $"FAILED {failed.Path}: {string.Join("; ", failed.Reasons.Select(f => $"{f.Code} {Short(f.Reason)}"))}"
            );
        }

        void Rows(string what, FixShare share)
        {
            Row(what, share.Attempted);
            if (share.Attempted == 0)
            {
                return;
            }

            Row("  no change", share.Unchanged);
            Row("  built", share.Built);
            Row("  refused", share.Refused);
            Row("  failed", share.Failed);
            output.WriteLine(Text($"  share built of those with changed code: {100 * share.Share:0.0} %"));
        }

        void Row(string what, int count) => output.WriteLine(Text($"{what, -22}{count, 5}"));
    }

    private static string Short(string reason)
    {
        var line = reason.ReplaceLineEndings(" ");
        return line.Length > LongestReason ? line[..LongestReason] + "..." : line;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
