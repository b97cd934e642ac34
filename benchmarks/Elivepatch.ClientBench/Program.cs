// What the published command costs a machine. In: its files, as scripts/publish-client makes them, and how often to run each.
// Out: size, time from start to end of a run that has nothing to do, and the memory and time of `status`, as rows of a table.

using System.Globalization;
using Elivepatch.Bench;
using Elivepatch.ClientBench;

if (
    args is not [var count, .. { Length: > 0 } files]
    || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var runs)
    || runs is < 1 or > 1000
)
{
    Console.Error.WriteLine("usage: ./bench --case client [--runs N]");
    return 2;
}

var machine = Machine.Here();
Say(
    $"{machine.Processor}, {machine.Processors} processors, {machine.MemoryGiB} GiB, {machine.System}; median (least to most) of {runs} runs, load {machine.Load}"
);
Say($"| file | MB | `--version` ms | `status` ms | `status` MB |");
Say($"|---|---|---|---|---|");

// What it costs to start anything.
foreach (var file in (string[])["/bin/true", .. files])
{
    var size = new FileInfo(file).Length / 1e6;
    ProgramRun[] versions = [.. Enumerable.Range(0, runs).Select(_ => ProgramRun.Of(file, "--version"))];
    ProgramRun[] statuses = [.. Enumerable.Range(0, runs).Select(_ => ProgramRun.Of(file, "status"))];
    Say(
        $"| {Path.GetFileName(file)} | {size:0.0} | {Text(versions, r => r.Milliseconds)} | {Text(statuses, r => r.Milliseconds)} | {Text(statuses, r => r.Megabytes)} |"
    );
}

return 0;

static string Text(IEnumerable<ProgramRun> runs, Func<ProgramRun, double> measured)
{
    var figures = Figures.Of(runs.Select(measured));
    return string.Create(CultureInfo.InvariantCulture, $"{figures.Median:0.0} ({figures.Least:0.0} to {figures.Most:0.0})");
}

static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
