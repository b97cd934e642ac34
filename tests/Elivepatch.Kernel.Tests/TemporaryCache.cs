using Elivepatch.Kernel.Storage;

namespace Elivepatch.Kernel.Tests;

/// <summary>An empty cache of a test's own.</summary>
internal sealed class TemporaryCache : IDisposable
{
    private readonly string path = Directory.CreateTempSubdirectory("elivepatch-test-").FullName;

    public TemporaryCache() => Cache = StockKernel.Get(CacheRoot.Open(path));

    public CacheRoot Cache { get; }

    public string FullPath => path;

    public void Dispose() => Directory.Delete(path, recursive: true);
}
