// What a run has made so far, so that another one goes on from there: patches as long as the versions are the same, results as
// long as the command is.

using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Model;

namespace Elivepatch.FixesBench;

/// <summary>The folder of a run.</summary>
internal sealed class StateFolder
{
    private const string EngineFile = "engine";
    private readonly string root;

    private StateFolder(string root) => this.root = root;

    /// <summary>Where patches are.</summary>
    public string Patches => Folder("patches");

    /// <summary>Where modules are.</summary>
    public string Modules => Folder("modules");

    /// <summary>Where the newer text of a file is that differs.</summary>
    public string Newer(string path) => Path.Combine(Folder("newer"), path);

    /// <summary>The folder of a pair of versions; results of another build of the command are removed.</summary>
    public static StateFolder Open(FixesOptions options, SourceVersions versions)
    {
        var name = $"{versions.From.Version}-{versions.To.Version}-{options.Flavour}".Replace('~', '_');
        var state = new StateFolder(
            Path.GetFullPath(options.State ?? Path.Combine(options.Repository, "artifacts", "fixes", name))
        );
        Directory.CreateDirectory(state.root);
        var engine = EngineOf(options.Command);
        var known = Path.Combine(state.root, EngineFile);
        if (!File.Exists(known) || File.ReadAllText(known) != engine)
        {
            foreach (var folder in (string[])["builds", "trials", "modules"])
            {
                Directory.Delete(state.Folder(folder), recursive: true);
            }

            File.WriteAllText(known, engine);
        }

        return state;
    }

    /// <summary>A value that was kept, or null.</summary>
    public T? Find<T>(string kind, string name, JsonTypeInfo<T> type)
        where T : class
    {
        var path = Path.Combine(Folder(kind), name + ".json");
        return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), type) : null;
    }

    /// <summary>Keeps a value; one that is only half written is never found.</summary>
    public void Keep<T>(string kind, string name, T value, JsonTypeInfo<T> type)
    {
        var path = Path.Combine(Folder(kind), name + ".json");
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(value, type));
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>A file name for a path of the source.</summary>
    public static string NameOf(string path) => path.Replace('/', '!');

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(root, name)).FullName;

    // The command is published with its libraries beside it.
    private static string EngineOf(string command) =>
        ContentDigest
            .OfParts(
                Directory
                    .EnumerateFiles(Path.GetDirectoryName(command)!, "*.dll")
                    .Order(StringComparer.Ordinal)
                    .Select(f => ContentDigest.Of(File.ReadAllBytes(f)).Hex)
            )
            .Hex;
}
