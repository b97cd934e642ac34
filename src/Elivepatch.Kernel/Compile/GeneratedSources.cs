// In: a unit that includes a file which is not in the prepared tree. Out: the files that kbuild makes before it compiles the
// unit: SELinux's classes, AppArmor's names of capabilities, tables of checksums, parsers made from ASN.1. Only the Makefile of
// the unit says how they are made, so kbuild makes them, on a copy of the unit's folder; the object that it compiles as well is
// thrown away.

using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Compile;

/// <summary>Makes the sources that the build of a unit makes.</summary>
internal sealed class GeneratedSources(CacheRoot cache)
{
    private const string Version = "2";
    private const long MostBytes = 64 << 20;

    // What a build leaves beside sources: objects, archives, lists.
    private static readonly string[] NotSources = [".o", ".a", ".ko", ".mod", ".order", ".symvers", ".dwo", ".su", ".gcno"];
    private static readonly EntryKind Kind = new("generated");

    /// <summary>What <see cref="MakeAsync"/> made of the unpatched source before, or null.</summary>
    public SourceOverlay? Find(SourceTree tree, string unit) =>
        cache.Find(Kind, KeyOf(tree, unit, SourceOverlay.None)) is { } folder ? Read(folder) : null;

    /// <summary>
    /// The files that are made for a unit, by their paths in the tree; from the cache where they were made before.
    /// </summary>
    public async Task<Outcome<SourceOverlay>> MakeAsync(
        SourceTree tree,
        string unit,
        SourceOverlay patches,
        CancellationToken cancellation
    )
    {
        var entry = await cache.GetAsync(
            Kind,
            KeyOf(tree, unit, patches),
            folder => FillAsync(tree, unit, patches, folder, cancellation),
            cancellation
        );
        return entry.Then<SourceOverlay>(folder => Read(folder));
    }

    /// <summary>
    /// A problem where a patch changes a file that is made for the unit: other units may include it, and nothing says which.
    /// </summary>
    public async Task<Problem?> CheckSameAsync(
        SourceTree tree,
        string unit,
        SourceOverlay made,
        SourceOverlay patches,
        CancellationToken cancellation
    )
    {
        if (patches.Files.Keys.FirstOrDefault(made.Files.ContainsKey) is { } own)
        {
            return new(PatchProblems.PatchChangesBuild, $"the build generates {own}, and the patch also adds it");
        }

        // No file is made from the unit that includes it.
        if (patches.Files.Keys.All(p => p == unit))
        {
            return null;
        }

        var outcome = await MakeAsync(tree, unit, patches, cancellation);
        if (!outcome.TryGet(out var patched))
        {
            return outcome.Problems[0];
        }

        var differing = made
            .Files.Keys.Union(patched.Files.Keys)
            .Where(p =>
                !(
                    made.Files.TryGetValue(p, out var one)
                    && patched.Files.TryGetValue(p, out var other)
                    && one.Span.SequenceEqual(other.Span)
                )
            )
            .Order(StringComparer.Ordinal)
            .FirstOrDefault();
        return differing is null
            ? null
            : new(
                PatchProblems.PatchChangesBuild,
                $"the build makes {differing} from what the patch changes, and {unit} includes it"
            );
    }

    private static ContentDigest KeyOf(SourceTree tree, string unit, SourceOverlay patches) =>
        ContentDigest.OfParts(Version, tree.Key.Hex, unit, patches.Digest.Hex);

    private static SourceOverlay Read(string folder) =>
        new(
            Directory
                .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                .Where(f => Path.GetFileName(f) != EntryManifest.FileName)
                .ToDictionary(
                    f => Path.GetRelativePath(folder, f),
                    f => new ReadOnlyMemory<byte>(File.ReadAllBytes(f)),
                    StringComparer.Ordinal
                )
        );

    private async Task<Problem?> FillAsync(
        SourceTree tree,
        string unit,
        SourceOverlay patches,
        string result,
        CancellationToken cancellation
    )
    {
        using var workspace = cache.NewWorkspace();
        var folder = FolderOfMakefile(tree, unit);
        var original = Path.Combine(tree.Folder, folder);
        var copy = Directory.CreateDirectory(Path.Combine(workspace.FullPath, "folder")).FullName;
        SourceFolderCopy.Copy(original, copy);
        var outside = new SourceOverlay(patches.Files.Where(f => !IsIn(folder, f.Key)).ToDictionary());
        foreach (var (path, text) in patches.Files.Where(f => IsIn(folder, f.Key)))
        {
            var file = Path.Combine(copy, folder.Length == 0 ? path : Path.GetRelativePath(folder, path));
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, text, cancellation);
        }

        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = "make",

                // What preparation made stays as it is. kbuild starts make anew for what it builds, and make hands no -o down.
                Arguments =
                [
                    .. tree.MakeVariables,
                    "TMPOUT=/tmp/.tmp_$$$$",
                    "MAKE=make -o prepare",
                    Path.ChangeExtension(unit, ".o"),
                ],
                Userland = tree.Userland,
                Environment = tree.Environment,
                Binds =
                [
                    .. tree.Binds,
                    .. OverlayMounts.Create(tree, outside, Path.Combine(workspace.FullPath, "outside")),
                    new(copy, Path.Combine(tree.Root, folder), Writable: true),
                ],
                WorkingDirectory = PreparedTree.InsidePath,
            },
            cancellation
        );
        if (!outcome.TryGet(out var run))
        {
            return outcome.Problems[0];
        }

        // Half of them would be taken for all of them ever after.
        if (!run.Succeeded)
        {
            return new(CompileProblems.GeneratedFileMissing, $"{unit}: kbuild could not make what it includes: {run.Describe()}");
        }

        var listed = await ListAsync(copy, cancellation);
        if (!listed.TryGet(out var names))
        {
            return listed.Problems[0];
        }

        var made = names
            .Where(n =>
                !patches.Files.ContainsKey(Path.Combine(folder, n)) && IsMade(Path.Combine(original, n), Path.Combine(copy, n))
            )
            .ToList();
        if (made.Sum(n => new FileInfo(Path.Combine(copy, n)).Length) > MostBytes)
        {
            return new(
                CompileProblems.GeneratedFileMissing,
                $"{unit}: kbuild makes more than {MostBytes >> 20} MiB of sources for it"
            );
        }

        foreach (var name in made)
        {
            var home = Path.Combine(result, folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(home)!);
            File.Copy(Path.Combine(copy, name), home);
        }

        return null;
    }

    // security/selinux/ss has no Makefile of its own: what its units need is made in the folder above.
    private static string FolderOfMakefile(SourceTree tree, string unit)
    {
        var folder = Path.GetDirectoryName(unit) ?? "";
        while (
            folder.Length > 0 && !tree.HasFile(Path.Combine(folder, "Makefile")) && !tree.HasFile(Path.Combine(folder, "Kbuild"))
        )
        {
            folder = Path.GetDirectoryName(folder) ?? "";
        }

        return folder;
    }

    // Plain files that are no program. A program of the build that a patched header went into may have left anything here, a pipe
    // or a link among it, which this program must not open.
    private static async Task<Outcome<IReadOnlyList<string>>> ListAsync(string copy, CancellationToken cancellation)
    {
        var outcome = await Sandbox.RunSuccessfullyAsync(
            new SandboxRequest
            {
                File = "find",
                Arguments = ["/made", "-xdev", "-type", "f", "!", "-name", ".*", "!", "-perm", "-u+x", "-printf", @"%P\0"],
                Binds = [new(copy, "/made")],
                OutputLimit = 16 << 20,
            },
            "listing what kbuild made",
            cancellation
        );
        return outcome.Then<IReadOnlyList<string>>(found =>
            found
                .Output.Split('\0', StringSplitOptions.RemoveEmptyEntries)
                .Where(n => !NotSources.Contains(Path.GetExtension(n)))
                .Order(StringComparer.Ordinal)
                .ToList()
        );
    }

    private static bool IsMade(string original, string copy) =>
        !File.Exists(original) || !File.ReadAllBytes(original).AsSpan().SequenceEqual(File.ReadAllBytes(copy));

    private static bool IsIn(string folder, string path) =>
        folder.Length == 0 || path.StartsWith(folder + "/", StringComparison.Ordinal);
}
