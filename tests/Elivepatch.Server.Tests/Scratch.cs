using Elivepatch.Kernel.Storage;

namespace Elivepatch.Server.Tests;

/// <summary>A folder for one test.</summary>
internal sealed class Scratch : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("elivepatch-server-").FullName;

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>A cache in it.</summary>
    public CacheRoot Cache() => CacheRoot.Open(PathOf("cache")).Value;

    public string Write(string name, string text)
    {
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
