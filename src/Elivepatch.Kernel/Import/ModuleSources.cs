// In: the source of a module that is built outside of the kernel's tree, as a folder of this machine. Out: a copy of it in the
// cache that units are compiled from. The folder may be anybody's: it is bounded, nothing in it leads out of it, and nothing of
// it is run here. What was built in it stays behind, or kbuild would take it for done.

using System.Globalization;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Import;

/// <summary>Takes sources of modules into the cache.</summary>
public sealed class ModuleSources(CacheRoot cache)
{
    private const string Version = "1";
    private const string Source = "source";
    private const int MostEntries = 20_000;
    private const long MostBytes = 512L << 20;
    private const int LargestConfiguration = 64 << 10;
    private static readonly EntryKind Kind = new("module-sources");
    private static readonly string[] KbuildFiles = ["Kbuild", "Makefile"];
    private static readonly string[] VersionControl = [".git", ".hg", ".svn"];
    private static readonly string[] BuiltSuffixes = [".o", ".ko", ".cmd", ".mod", ".mod.c", ".order", ".symvers"];

    // The sandbox has something of its own there.
    private static readonly string[] TakenFolders =
    [
        PreparedTree.InsidePath,
        PreparedTree.ToolsInsidePath,
        "/out",
        "/proc",
        "/dev",
        "/sys",
        "/etc",
        "/bin",
        "/sbin",
        "/lib",
        "/lib32",
        "/lib64",
        "/libx32",
    ];

    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const UnixFileMode Plain =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Takes a source, to be compiled for a kernel.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="source">The source.</param>
    /// <param name="modules">The modules that were compiled from it, as they are installed.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<Outcome<ModuleTree>> TakeAsync(
        PreparedTree kernel,
        ModuleSource source,
        GivenModules modules,
        CancellationToken cancellation
    )
    {
        var folder = Path.GetFullPath(source.Folder);
        if (!Directory.Exists(folder))
        {
            return Unusable(source, "it is not a directory");
        }

        using var workspace = cache.NewWorkspace();
        var copy = Directory.CreateDirectory(Path.Combine(workspace.FullPath, Source)).FullName;
        var copying = await CopyAsync(source, folder, copy, cancellation);
        if (!copying.TryGet(out var digest))
        {
            return Outcome<ModuleTree>.Failure(copying.Problems);
        }

        if (!KbuildFiles.Any(f => File.Exists(Path.Combine(copy, f))))
        {
            return Unusable(
                source,
                $"there is no {string.Join(" or ", KbuildFiles)} at its top, which says what kbuild makes of it"
            );
        }

        var build = ReadBuild(kernel, source, modules, copy);
        if (!build.TryGet(out var how))
        {
            return Outcome<ModuleTree>.Failure(build.Problems);
        }

        var entry = await cache.GetAsync(
            Kind,
            ContentDigest.OfParts(Version, digest.Hex),
            home =>
            {
                Directory.Move(copy, Path.Combine(home, Source));
                return Task.FromResult<Problem?>(null);
            },
            cancellation
        );
        return entry.Then<ModuleTree>(home => new ModuleTree(
            ContentDigest.OfParts([Version, kernel.Key.Hex, digest.Hex, how.Path, .. how.Variables]),
            Path.Combine(home, Source),
            kernel,
            how.Path,
            how.Variables,
            source.Folder
        ));
    }

    private sealed record Build(string Path, IReadOnlyList<string> Variables);

    private static Outcome<Build> ReadBuild(PreparedTree kernel, ModuleSource source, GivenModules modules, string copy)
    {
        Outcome<string> path = source.BuildPath ?? CompiledPath.Find(modules.All.Values, copy) ?? Path.GetFullPath(source.Folder);
        Outcome<IReadOnlyList<string>> variables = source.MakeVariables is { } given ? given.ToList() : Array.Empty<string>();
        var file = new FileInfo(Path.Combine(copy, DkmsConfiguration.FileName));
        if (file.Exists)
        {
            if (file.Length > LargestConfiguration)
            {
                return Unusable(source, $"{file.Name} has {file.Length >> 10} KiB");
            }

            var parsed = DkmsConfiguration.Parse(File.ReadAllText(file.FullName), kernel);
            if (!parsed.TryGet(out var dkms))
            {
                return Outcome<Build>.Failure(parsed.Problems);
            }

            path = source.BuildPath is null ? dkms.ReadBuildPath() : path;
            variables = source.MakeVariables is null ? dkms.ReadMakeVariables() : variables;
        }

        return path.Then(p =>
            variables.Then<Build>(v =>
                (CheckPath(p) ?? CheckVariables(v)) is { } unusable ? Unusable(source, unusable) : new Build(p.TrimEnd('/'), v)
            )
        );
    }

    private static string? CheckPath(string path)
    {
        var plain = path.TrimEnd('/');
        if (!plain.StartsWith('/') || !UnitPath.IsValid(plain[1..]))
        {
            return $"it cannot have been compiled in {path}: kbuild wants a whole path of plain characters";
        }

        // Nothing can be added to the folders of this machine that the sandbox shows.
        var isTaken =
            plain is "/usr" or "/tmp"
            || TakenFolders.Any(t => plain == t || plain.StartsWith(t + "/", StringComparison.Ordinal))
            || (plain.StartsWith("/usr/", StringComparison.Ordinal) && !Directory.Exists(plain));
        return isTaken
            ? $"the sandbox has something of its own at {plain}; copy the source elsewhere, or name another path"
            : null;
    }

    private static string? CheckVariables(IReadOnlyList<string> variables) =>
        variables.FirstOrDefault(v => !DkmsConfiguration.IsVariable(v)) is { } other
            ? $"'{other}' is no variable for make (KEY=VALUE)"
            : null;

    // Digest of paths, contents, links, and of which files can be run.
    private static async Task<Outcome<ContentDigest>> CopyAsync(
        ModuleSource source,
        string from,
        string to,
        CancellationToken cancellation
    )
    {
        try
        {
            var parts = new SortedDictionary<string, string>(StringComparer.Ordinal);
            var bytes = MostBytes;
            var folders = new Queue<string>([""]);
            while (folders.TryDequeue(out var folder))
            {
                foreach (var entry in new DirectoryInfo(Path.Combine(from, folder)).EnumerateFileSystemInfos().Where(IsSource))
                {
                    cancellation.ThrowIfCancellationRequested();
                    var path = Path.Combine(folder, entry.Name);
                    var copy = Path.Combine(to, path);
                    if (parts.Count >= MostEntries)
                    {
                        return Unusable(source, $"it has more than {MostEntries} files");
                    }

                    if (entry.LinkTarget is { } target)
                    {
                        File.CreateSymbolicLink(copy, target);
                        parts[path] = $"link {target}";
                    }
                    else if (entry is DirectoryInfo)
                    {
                        Directory.CreateDirectory(copy);
                        folders.Enqueue(path);
                        parts[path] = "folder";
                    }
                    else if (FileUsage.Of(entry.FullName)?.IsRegularFile != true)
                    {
                        return Unusable(source, $"{path} is neither a file, a directory nor a link");
                    }
                    else
                    {
                        await using var original = new FileStream(entry.FullName, FileMode.Open, FileAccess.Read);
                        await using var copied = new FileStream(copy, FileMode.CreateNew, FileAccess.Write);
                        if (await ContentDigest.OfCopyAsync(original, copied, bytes, cancellation) is not { } digest)
                        {
                            return Unusable(source, $"it has more than {MostBytes >> 20} MiB");
                        }

                        bytes -= copied.Length;
                        var runs = entry.UnixFileMode.HasFlag(UnixFileMode.UserExecute);
                        File.SetUnixFileMode(copied.SafeFileHandle, runs ? Plain | Executable : Plain);
                        parts[path] = string.Create(CultureInfo.InvariantCulture, $"file {runs} {digest.Hex}");
                    }
                }
            }

            return Archives.FindEscapingLinks(to).FirstOrDefault() is { } escaping
                ? Unusable(source, $"the link {escaping} leads out of it")
                : ContentDigest.OfParts(parts.SelectMany(p => new[] { p.Key, p.Value }));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unusable(source, e.Message);
        }
    }

    private static bool IsSource(FileSystemInfo entry) =>
        entry is DirectoryInfo
            ? !VersionControl.Contains(entry.Name)
            : !BuiltSuffixes.Any(s => entry.Name.EndsWith(s, StringComparison.Ordinal));

    private static Problem Unusable(ModuleSource source, string reason) =>
        new(CompileProblems.ModuleSourceUnusable, $"{source.Folder}: {reason}");
}
