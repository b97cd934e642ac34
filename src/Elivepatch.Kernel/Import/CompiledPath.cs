using Elivepatch.Elf;
using Elivepatch.Elf.Dwarf;

namespace Elivepatch.Kernel.Import;

/// <summary>
/// Where a module was compiled, from the debug information that its file may have: there functions are declared in files of whole
/// paths, which end in paths of the source.
/// </summary>
internal static class CompiledPath
{
    /// <summary>The one folder that has all files which modules of a source were compiled from; null for none.</summary>
    /// <param name="modules">The modules' files.</param>
    /// <param name="source">The source on this machine.</param>
    public static string? Find(IEnumerable<ReadOnlyMemory<byte>> modules, string source)
    {
        HashSet<string>? folders = null;
        foreach (var file in modules.SelectMany(FilesOf).Distinct(StringComparer.Ordinal))
        {
            var possible = FoldersFor(file, source);
            if (folders is null)
            {
                folders = [.. possible];
            }
            else
            {
                folders.IntersectWith(possible);
            }
        }

        return folders?.Count == 1 ? folders.First() : null;
    }

    private static IEnumerable<string> FilesOf(ReadOnlyMemory<byte> module)
    {
        try
        {
            return
            [
                .. DebugInfo
                    .Read(ElfReader.Read(module.ToArray()))
                    .Functions.Select(f => f.Declared.File)
                    .OfType<string>()
                    .Where(f => f.StartsWith('/') && f.EndsWith(".c", StringComparison.Ordinal)),
            ];
        }
        catch (ElfFormatException)
        {
            // It was read before; debug information of another kind tells nothing.
            return [];
        }
    }

    // /srv/pulse/src/main.c is main.c in /srv/pulse/src, or src/main.c in /srv/pulse.
    private static IEnumerable<string> FoldersFor(string file, string source)
    {
        for (var at = file.LastIndexOf('/'); at > 0; at = file.LastIndexOf('/', at - 1))
        {
            if (File.Exists(Path.Combine(source, file[(at + 1)..])))
            {
                yield return file[..at];
            }
        }
    }
}
