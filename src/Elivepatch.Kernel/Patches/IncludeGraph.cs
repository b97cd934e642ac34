// In: a source tree. Out: which C files and which assembly may see a file, directly or through others. A name in quotes means
// the file beside the includer where there is one (C11 6.10.2, GCC manual "Search Path"); any other name may mean every file
// whose path ends so. Search paths and conditions are not looked at, so the answer has too many rather than too few; who really
// changes is found by preprocessing.

using System.Collections.Concurrent;
using System.Text;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Patches;

/// <summary>Who includes what in a tree.</summary>
internal sealed class IncludeGraph(bool hasAllIncluders)
{
    private const string Version = "4";
    private const string FileName = "includes";
    private const string IncludedCName = "included-c";
    private const int LargestFile = 4 << 20;
    private static readonly EntryKind Kind = new("includes");

    // By the last part of the included name: who includes it, and by which whole name.
    private readonly Dictionary<string, List<(string Includer, string Name)>> includers = new(StringComparer.Ordinal);
    private readonly HashSet<string> files = new(StringComparer.Ordinal);

    /// <summary>The graph of a tree, from the cache where it has been made before.</summary>
    public static async Task<Outcome<IncludeGraph>> LoadAsync(CacheRoot cache, SourceTree tree, CancellationToken cancellation)
    {
        var entry = await EntryAsync(cache, tree, cancellation);
        return entry.Then<IncludeGraph>(folder => Read(Path.Combine(folder, FileName), tree.HasAllIncluders));
    }

    /// <summary>
    /// The names under which C files are included by others, last parts only. There are few; most patched C files need no graph.
    /// </summary>
    public static async Task<Outcome<IReadOnlySet<string>>> LoadIncludedCAsync(
        CacheRoot cache,
        SourceTree tree,
        CancellationToken cancellation
    )
    {
        var entry = await EntryAsync(cache, tree, cancellation);
        return entry.Then<IReadOnlySet<string>>(folder =>
            File.ReadLines(Path.Combine(folder, IncludedCName)).ToHashSet(StringComparer.Ordinal)
        );
    }

    /// <summary>
    /// The C files, assembly and linker scripts that may see a file: themselves, or through headers. All where nobody can tell.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="addedIncludes">
    /// Includes of files that the tree does not have in this form: includer, and name as written.
    /// </param>
    public IReadOnlyList<string> ReadersOf(string path, IEnumerable<(string Includer, string Name)> addedIncludes)
    {
        if (!hasAllIncluders)
        {
            return ReadersAmong(files, path);
        }

        var added = addedIncludes.ToLookup(a => LastPart(a.Name), StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal) { path };
        var queue = new Queue<string>([path]);
        while (queue.TryDequeue(out var file))
        {
            var name = LastPart(file);
            var all = includers.GetValueOrDefault(name, []).Concat(added[name]);
            foreach (var (includer, _) in all.Where(i => MayMean(i.Includer, i.Name, file)))
            {
                if (seen.Add(includer))
                {
                    queue.Enqueue(includer);
                }
            }
        }
        return ReadersAmong(seen, path);
    }

    /// <summary>The names that a text includes, each after the quote or bracket that opens it.</summary>
    public static IEnumerable<string> Includes(ReadOnlySpan<byte> text)
    {
        var found = new List<string>();
        while (text.Length > 0)
        {
            var end = text.IndexOf((byte)'\n');
            var line = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            line = line.TrimStart(" \t"u8);
            if (line.Length == 0 || line[0] != '#')
            {
                continue;
            }

            line = line[1..].TrimStart(" \t"u8);
            if (!line.StartsWith("include"u8))
            {
                continue;
            }

            line = line[7..].TrimStart(" \t"u8);
            var close = Close(line);
            if (close > 1)
            {
                found.Add(Encoding.Latin1.GetString(line[..close]));
            }
        }
        return found;
    }

    private static Task<Outcome<string>> EntryAsync(CacheRoot cache, SourceTree tree, CancellationToken cancellation) =>
        cache.GetAsync(
            Kind,
            ContentDigest.OfParts(Version, tree.Key.Hex),
            folder =>
            {
                var lines = Scan(tree, cancellation).ToList();
                File.WriteAllLines(Path.Combine(folder, FileName), lines);
                File.WriteAllLines(
                    Path.Combine(folder, IncludedCName),
                    lines
                        .Where(l => l.Contains('\t', StringComparison.Ordinal) && l.EndsWith(".c", StringComparison.Ordinal))
                        .Select(LastPart)
                        .Distinct()
                );
                return Task.FromResult<Problem?>(null);
            },
            cancellation
        );

    private static IReadOnlyList<string> ReadersAmong(IEnumerable<string> files, string path) =>
        [
            .. files
                .Where(f =>
                    f != path && (f.EndsWith(".c", StringComparison.Ordinal) || f.EndsWith(".S", StringComparison.Ordinal))
                )
                .Order(StringComparer.Ordinal),
        ];

    private static int Close(ReadOnlySpan<byte> line) =>
        line.Length == 0
            ? -1
            : line[0] switch
            {
                (byte)'<' => line.IndexOf((byte)'>'),
                (byte)'"' => line[1..].IndexOf((byte)'"') + 1,
                _ => -1,
            };

    private static IEnumerable<string> Scan(SourceTree tree, CancellationToken cancellation)
    {
        var files = tree.CodeFolders.SelectMany(Sources).ToList();
        var lines = new ConcurrentBag<string>();
        Parallel.ForEach(
            files,
            new ParallelOptions { CancellationToken = cancellation },
            file =>
            {
                if (new FileInfo(file).Length > LargestFile)
                {
                    return;
                }

                var path = Path.GetRelativePath(tree.Folder, file);
                lines.Add(path);
                foreach (var name in Includes(File.ReadAllBytes(file)).Where(n => !n.Contains('\t', StringComparison.Ordinal)))
                {
                    lines.Add($"{path}\t{name}");
                }
            }
        );
        return lines;
    }

    private static IEnumerable<string> Sources(string folder) =>
        Directory
            .EnumerateFiles(
                folder,
                "*.?",
                new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint }
            )
            .Where(f => f[^2..] is ".c" or ".h" or ".S");

    private static IncludeGraph Read(string file, bool hasAllIncluders)
    {
        var graph = new IncludeGraph(hasAllIncluders);
        foreach (var line in File.ReadLines(file))
        {
            if (line.Split('\t') is not [var includer, var name])
            {
                graph.files.Add(line);
                continue;
            }
            var last = LastPart(name);
            if (!graph.includers.TryGetValue(last, out var list))
            {
                graph.includers[last] = list = [];
            }

            list.Add((includer, name));
        }
        return graph;
    }

    private bool MayMean(string includer, string written, string path)
    {
        var name = written[1..];
        var beside = Plain(Path.GetDirectoryName(includer) + "/" + name);
        if (beside == path)
        {
            return true;
        }

        if (written[0] == '"' && files.Contains(beside))
        {
            return false;
        }

        while (name.StartsWith("../", StringComparison.Ordinal) || name.StartsWith("./", StringComparison.Ordinal))
        {
            name = name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..];
        }

        name = Plain(name);
        return path == name || path.EndsWith("/" + name, StringComparison.Ordinal);
    }

    // A path without "." and ".." in it; one that climbs above the top is not in the tree, and becomes some other name.
    private static string Plain(string path) => Path.GetFullPath("/" + path)[1..];

    private static string LastPart(string path) => path[(path.LastIndexOfAny(['/', '"', '<']) + 1)..];
}
