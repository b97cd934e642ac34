using System.Collections.Concurrent;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>Builds each case once, for the tests of what was built and for those that load it.</summary>
public sealed class CaseBuilds : IDisposable
{
    private readonly CacheRoot cache;
    private readonly Func<Task<KernelRecord>> kernel;

    // A build has stages that use one processor alone; a build for each processor uses all.
    private readonly SemaphoreSlim places = new(Environment.ProcessorCount);
    private readonly ConcurrentDictionary<string, Lazy<Task<Outcome<BuildResult>>>> builds = new();
    private readonly DirectoryInfo kept = Directory.CreateTempSubdirectory("case-builds-");

    /// <summary>Builds for the stock kernel.</summary>
    public CaseBuilds(StockKernel stock)
        : this(stock.Cache, stock.RecordAsync) { }

    /// <summary>Builds for another kernel.</summary>
    internal CaseBuilds(CacheRoot cache, Func<Task<KernelRecord>> kernel) => (this.cache, this.kernel) = (cache, kernel);

    /// <summary>The outcome of building a case.</summary>
    public Task<Outcome<BuildResult>> GetAsync(LivepatchCase built) =>
        builds.GetOrAdd(built.Name, _ => new(() => BuildAsync(built))).Value;

    /// <summary>Starts what is not started yet, so that the processors have enough to do.</summary>
    public void StartAll()
    {
        foreach (var built in LivepatchCase.All)
        {
            _ = GetAsync(built);
        }
    }

    /// <summary>The folder into which the build of a case was told to write.</summary>
    public string FolderOf(LivepatchCase built) => Path.Combine(kept.FullName, built.Name);

    public void Dispose()
    {
        kept.Delete(recursive: true);
        places.Dispose();
    }

    private async Task<Outcome<BuildResult>> BuildAsync(LivepatchCase built)
    {
        var record = await kernel();
        await places.WaitAsync();
        try
        {
            var request = new BuildRequest(record, built.PatchFiles, [], NameOf(built), Replace: true, FolderOf(built))
            {
                Statements = built.ReadStatements(),
            };
            return await new LivepatchBuild(cache).RunAsync(request, CancellationToken.None);
        }
        finally
        {
            places.Release();
        }
    }

    // Patches of several cases may have one name, modules in one kernel may not.
    private static string NameOf(LivepatchCase built) => ModuleName.FromPatch(built.Name);
}
