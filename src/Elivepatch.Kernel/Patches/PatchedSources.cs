// In: a source tree and the live patches in order. Out: the patched files, as an overlay over the tree: once as the patches
// make them, once with #line directives that keep line numbers where they were.

using System.Text.RegularExpressions;
using Elivepatch.Engine.Diff;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Patches;

/// <summary>The sources of a tree with patches applied.</summary>
/// <param name="Plain">The files as the patches make them.</param>
/// <param name="LinePreserving">The same files, with unchanged lines numbered as before (<see cref="LineDirectives"/>).</param>
/// <param name="Added">Paths of those that are new.</param>
/// <param name="Lines">
/// Which of their line numbers mean the same line before and after; null where one of them numbers its lines itself, or where
/// debug information may mean another file by its path.
/// </param>
public sealed partial record PatchedSources(
    SourceOverlay Plain,
    SourceOverlay LinePreserving,
    IReadOnlySet<string> Added,
    StableLines? Lines
)
{
    private const int LargestFile = 16 << 20;

    /// <summary>The sources as they are.</summary>
    public static PatchedSources None { get; } =
        new(
            SourceOverlay.None,
            SourceOverlay.None,
            new HashSet<string>(),
            new StableLines(new Dictionary<string, IReadOnlySet<int>>())
        );

    /// <summary>Paths of the files that differ from the tree.</summary>
    public IReadOnlyList<string> Paths => [.. Plain.Files.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Applies patches. Files that no code comes from are left out.</summary>
    public static Outcome<PatchedSources> Apply(SourceTree tree, IReadOnlyList<SourcePatch> patches)
    {
        var code = PatchRules.For(tree).CodePaths([.. patches.SelectMany(p => p.Files).Select(f => f.Path)]);
        if (!code.TryGet(out var paths))
        {
            return Outcome<PatchedSources>.Failure(code.Problems);
        }

        var originals = new Dictionary<string, List<string>?>(StringComparer.Ordinal);
        var current = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (patch, file) in patches.SelectMany(p => p.Files.Select(f => (p, f))).Where(x => paths.Contains(x.f.Path)))
        {
            if (!originals.ContainsKey(file.Path))
            {
                var read = ReadOriginal(tree, patch.Name, file.Path);
                if (!read.TryGet(out var lines))
                {
                    return Outcome<PatchedSources>.Failure(read.Problems);
                }

                originals[file.Path] = lines.Count > 0 || tree.HasFile(file.Path) ? lines : null;
                if (originals[file.Path] is not null)
                {
                    current[file.Path] = lines;
                }
            }
            var problem = Step(tree, patch.Name, file, current);
            if (problem is not null)
            {
                return problem;
            }
        }
        return Finish(tree, originals, current);
    }

    private static Problem? Step(SourceTree tree, string name, PatchedFile file, Dictionary<string, List<string>> current)
    {
        var exists = current.TryGetValue(file.Path, out var lines);
        if (file.Kind == PatchedFileKind.Added && exists)
        {
            return lines!.SequenceEqual(file.Hunks[0].After)
                ? new(PatchProblems.PatchAlreadyApplied, $"{name}: {file.Path} is there with the same text")
                : new(PatchProblems.PatchDoesNotApply, $"{name}: {file.Path} is there already");
        }
        if (file.Kind != PatchedFileKind.Added && !exists)
        {
            return tree.Kernel.HasFile(file.Path) && tree is not PreparedTree
                ? new(PatchProblems.PatchOfTwoSources, $"{name}: {file.Path} is a file of the kernel, and {tree.Title} has none")
                : new(PatchProblems.PatchDoesNotApply, $"{name}: {tree.Title} has no {file.Path}");
        }

        var outcome = HunkApplier.Apply(name, file, lines ?? []);
        if (!outcome.TryGet(out var after))
        {
            return outcome.Problems[0];
        }

        if (file.Kind != PatchedFileKind.Removed)
        {
            current[file.Path] = after;
        }
        else if (after.Count == 0)
        {
            current.Remove(file.Path);
        }
        else
        {
            return new(PatchProblems.PatchDoesNotApply, $"{name}: {file.Path} has lines that the patch does not remove with it");
        }

        return null;
    }

    private static Outcome<List<string>> ReadOriginal(SourceTree tree, string name, string path)
    {
        // A link on the way would make the text come from, and the mount go to, another place than the patch says.
        var here = tree.Folder;
        foreach (var part in path.Split('/'))
        {
            here = Path.Combine(here, part);
            if (new FileInfo(here).LinkTarget is not null)
            {
                return new Problem(PatchProblems.PatchPathRefused, $"{name}: {path} leads through a link");
            }
        }
        if (Directory.Exists(here))
        {
            return new Problem(PatchProblems.PatchPathRefused, $"{name}: {path} is a directory");
        }

        var info = new FileInfo(here);
        if (!info.Exists)
        {
            return new List<string>();
        }

        return info.Length > LargestFile
            ? new Problem(PatchProblems.PatchTooLarge, $"{name}: {path} has {info.Length >> 20} MiB")
            : SourceText.Lines(File.ReadAllBytes(here));
    }

    private static Outcome<PatchedSources> Finish(
        SourceTree tree,
        Dictionary<string, List<string>?> originals,
        Dictionary<string, List<string>> current
    )
    {
        // What is removed and comes again is a change of its lines.
        if (originals.FirstOrDefault(o => o.Value is not null && !current.ContainsKey(o.Key)).Key is { } removed)
        {
            return new Problem(PatchProblems.PatchMovesFiles, $"{removed} is removed");
        }
        // A patch and a later one may cancel out.
        var changed = current.Where(c => originals[c.Key] is not { } before || !before.SequenceEqual(c.Value)).ToList();
        if (changed.Count == 0)
        {
            return new Problem(PatchProblems.PatchHasNoCode, "taken together, the patches change nothing");
        }

        var plain = changed.ToDictionary(
            c => c.Key,
            c => (ReadOnlyMemory<byte>)SourceText.Bytes(c.Value),
            StringComparer.Ordinal
        );
        var added = changed.Where(c => originals[c.Key] is null).Select(c => c.Key).ToHashSet(StringComparer.Ordinal);
        var numbered = changed
            .Where(c => !added.Contains(c.Key))
            .ToDictionary(c => c.Key, c => LineDirectives.Insert(originals[c.Key]!, c.Value), StringComparer.Ordinal);
        var preserving = plain.ToDictionary(
            p => p.Key,
            p => numbered.TryGetValue(p.Key, out var lines) ? SourceText.Bytes(lines.Lines) : p.Value,
            StringComparer.Ordinal
        );
        var numbersItself = changed.Any(c =>
            tree.IsAmbiguous(c.Key)
            || OwnLineDirective().IsMatch(string.Concat(c.Value))
            || OwnLineDirective().IsMatch(string.Concat(originals[c.Key] ?? []))
        );
        return new PatchedSources(
            new(plain),
            new(preserving),
            added,
            numbersItself
                ? null
                : new(numbered.ToDictionary(n => n.Key, n => n.Value.Ambiguous, StringComparer.Ordinal))
                {
                    Changed = numbered.ToDictionary(n => n.Key, n => n.Value.Changed, StringComparer.Ordinal),
                    AddsVariables = added.Count > 0 || NewVariables.MayBeIn(numbered.Values.SelectMany(n => n.Added)),
                }
        );
    }

    // #line 12, and # 12 as preprocessors write it; a false alarm costs no more than not telling two variables apart.
    [GeneratedRegex(@"(#|%:|\?\?=)([ \t]|\\\r?\n|/\*[^*]*\*+([^/*][^*]*\*+)*/)*(line\b|[0-9])")]
    private static partial Regex OwnLineDirective();
}
