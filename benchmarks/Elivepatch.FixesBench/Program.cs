// The measure of the engine on real fixes. In: two source versions of one series of Debian's kernel. Out: which of the fixes
// between them can be made live on the older stock kernel, why the others cannot, and whether any of those that were built is
// wrong.

using System.Runtime.InteropServices;
using Elivepatch.FixesBench;
using Elivepatch.Kernel.Packages;
using Elivepatch.Kernel.Storage;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(FixesOptions.Usage);
    return 0;
}

if (args.Length < 2 || FixesOptions.Parse(args[0], args[1], args[2..]) is not { } options)
{
    Console.Error.WriteLine(FixesOptions.Usage);
    return 2;
}

using var stop = new CancellationTokenSource();
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

try
{
    if (!CacheRoot.OpenDefault().TryGet(out var cache))
    {
        throw new BenchFailure("the cache cannot be opened");
    }

    var suite = options.Suite is { } name ? BenchFailure.Demand(DebianSuite.Parse(name)) : null;
    var archive = BenchFailure.Demand(await DebianArchive.OpenAsync(cache, suite, null, stop.Token));
    var versions = await SourceVersions.FindAsync(archive, options, stop.Token);
    var state = StateFolder.Open(options, versions);
    var kernel = await OlderKernel.OpenAsync(options, versions, cache, stop.Token);
    var fixes = await FixList.GetAsync(kernel, versions, archive, state, cache, stop.Token);
    var builds = await FixBuilds.RunAsync(fixes, kernel, options, state, cache, stop.Token);
    var trials = options.WithTrials ? await FixTrials.RunAsync(builds, kernel, state, cache, stop.Token) : null;
    var result = FixesResult.Of(options, versions, kernel, fixes, builds, trials);
    FixesText.Write(Console.Out, result);
    if (options.JsonFile is { } file)
    {
        FixesJson.Write(file, result);
    }

    return result.Alone.Failed + result.WithHeaders.Failed == 0 && result.Wrong.Count == 0 ? 0 : 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("interrupted; the same command goes on where it stopped");
    return 130;
}
catch (BenchFailure failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
