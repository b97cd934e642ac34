// The benchmark. In: the command, an imported kernel, patches. Out: how long a build takes over one compile of the same units.

using System.Text.Json;
using Elivepatch.Bench;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;

if (args.Length < 2 || BenchOptions.Parse(args[0], args[1], args[2..]) is not { } options)
{
    return Fail(2, BenchOptions.Usage);
}

if (!CacheRoot.OpenDefault().TryGet(out var cache))
{
    return Fail(1, "the cache cannot be opened");
}

var kernels = new KernelStore(cache).List();
var kernel =
    options.Kernel is { } name ? kernels.FirstOrDefault(k => k.Facts.Name == name)
    : kernels.Count == 1 ? kernels[0]
    : null;
if (kernel is null)
{
    return Fail(
        2,
        $"name one of these kernels with -k: {string.Join(", ", kernels.Select(k => k.Facts.Name))} (elivepatch kernel import adds one)"
    );
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

try
{
    var machine = Machine.Here();
    var cases = new List<CaseResult>();
    foreach (var subject in options.Cases)
    {
        var patch = Path.Combine(options.Repository, subject.Patch);
        var learnt = await Reference.ForPatchAsync(cache, kernel, patch, stop.Token);
        if (!learnt.TryGet(out var reference))
        {
            return Fail(1, string.Join('\n', learnt.Problems));
        }

        // Once for nothing: files come from the disk, and what the whole tree shares is learnt.
        _ = await BuildRun.MeasureAsync(options, kernel.Facts.Name, patch, cache.FullPath, stop.Token);
        cases.Add(
            await CaseResult.MeasureAsync(
                subject,
                reference,
                options.Runs,
                () => ColdCache.Create(cache),
                folder => BuildRun.MeasureAsync(options, kernel.Facts.Name, patch, folder, stop.Token),
                stop.Token
            )
        );
    }

    var result = new BenchResult(machine, Machine.CurrentLoad(), kernel.Facts.Name, kernel.Facts.Compiler, options.Runs, cases);
    if (options.AsJson)
    {
        Console.WriteLine(JsonSerializer.Serialize(result, BenchJson.Default.BenchResult));
    }
    else
    {
        BenchText.Write(Console.Out, result);
    }

    return 0;
}
catch (OperationCanceledException)
{
    return Fail(130, "interrupted");
}
catch (InvalidOperationException e)
{
    return Fail(1, e.Message);
}

static int Fail(int status, string reason)
{
    Console.Error.WriteLine(reason);
    return status;
}
