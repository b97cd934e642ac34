// In: patched files, and a folder to put them in. Out: mounts that show them in the tree. A file that exists is covered by its
// patched text. A new file needs a new folder entry, which a read-only tree does not take: its folder is covered by a copy with
// the same files, the new one, and the sub-folders mounted again.

using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Trees;

namespace Elivepatch.Kernel.Compile;

/// <summary>Shows an overlay in a sandbox.</summary>
internal static class OverlayMounts
{
    /// <summary>Writes the overlay's files below a folder and gives the mounts, to be made after those of the tree.</summary>
    public static IReadOnlyList<SandboxBind> Create(SourceTree tree, SourceOverlay overlay, string folder)
    {
        var added = overlay.Files.Keys.Where(p => !tree.HasFile(p)).ToList();
        var shadows = added.Select(p => ExistingFolder(tree, p)).Distinct().Order(StringComparer.Ordinal).ToList();
        var binds = new List<SandboxBind>();
        foreach (var shadow in shadows)
        {
            binds.AddRange(Shadow(tree, shadow, ShadowPath(folder, shadow), shadows));
        }

        foreach (var (path, text) in overlay.Files)
        {
            var parent = ExistingFolder(tree, path);
            var home = added.Contains(path)
                ? Path.Combine(ShadowPath(folder, parent), path[(parent.Length == 0 ? 0 : parent.Length + 1)..])
                : Path.Combine(folder, "files", path);
            Directory.CreateDirectory(Path.GetDirectoryName(home)!);
            File.WriteAllBytes(home, text.Span);
            if (!added.Contains(path))
            {
                binds.Add(new(home, Inside(tree, path)));
            }
        }
        return tree.AtAllPaths(binds);
    }

    private static IEnumerable<SandboxBind> Shadow(SourceTree tree, string path, string shadow, List<string> shadows)
    {
        var original = Path.Combine(tree.Folder, path);
        Directory.CreateDirectory(shadow);
        yield return new(shadow, Inside(tree, path));
        foreach (var entry in new DirectoryInfo(original).EnumerateFileSystemInfos())
        {
            var copy = Path.Combine(shadow, entry.Name);
            if (entry.LinkTarget is { } target)
            {
                File.CreateSymbolicLink(copy, target);
            }
            else if (entry is FileInfo)
            {
                File.Copy(entry.FullName, copy);
            }
            else
            {
                Directory.CreateDirectory(copy);
            }

            var inTree = path.Length == 0 ? entry.Name : $"{path}/{entry.Name}";
            // A sub-folder that is itself shadowed is mounted in its own turn, later.
            if (entry is DirectoryInfo && entry.LinkTarget is null && !shadows.Contains(inTree))
            {
                yield return new(entry.FullName, Inside(tree, inTree));
            }
        }
    }

    private static string ExistingFolder(SourceTree tree, string path)
    {
        var folder = Path.GetDirectoryName(path) ?? "";
        while (folder.Length > 0 && !Directory.Exists(Path.Combine(tree.Folder, folder)))
        {
            folder = Path.GetDirectoryName(folder) ?? "";
        }

        return folder;
    }

    // Shadows lie side by side, for one may be inside another: each is a mount of its own.
    private static string ShadowPath(string folder, string path) =>
        Path.Combine(folder, "shadow", path.Length == 0 ? "." : path.Replace('/', '!'));

    private static string Inside(SourceTree tree, string path) => Path.Combine(tree.Root, path);
}
