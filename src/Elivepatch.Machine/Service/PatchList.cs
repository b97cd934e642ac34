// In: the patches that are live, those that are given, and names to leave out. Out: the patches of the next livepatch, in order.
// A livepatch is cumulative: what it does not carry is gone when it is live.

using System.Text.RegularExpressions;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine.Service;

/// <summary>The patches of a livepatch.</summary>
public static partial class PatchList
{
    private const int LongestName = 100;

    /// <summary>Reads patches from files. Names are made plain, and each stands for one patch.</summary>
    public static Outcome<IReadOnlyList<PatchFile>> Read(IReadOnlyList<string> paths)
    {
        var patches = new List<PatchFile>();
        var problems = new List<Problem>();
        foreach (var path in paths)
        {
            var read = InputFile.Read(path);
            problems.AddRange(read.Problems);
            if (!read.TryGet(out var content))
            {
                continue;
            }

            if (content.Length > PatchFile.Largest)
            {
                problems.Add(
                    new(
                        CommandProblems.InputUnusable,
                        $"{path} has {content.Length} bytes; a patch has at most {PatchFile.Largest}"
                    )
                );
            }

            var name = NameOf(path);
            if (patches.Any(p => p.Name == name))
            {
                problems.Add(
                    new(
                        CommandProblems.UsageInvalid,
                        $"two patches are called {name}",
                        "Give each a different file name: a patch is identified by it."
                    )
                );
            }

            patches.Add(new(name, content));
        }
        return problems.Count > 0 ? Outcome<IReadOnlyList<PatchFile>>.Failure(problems) : patches;
    }

    /// <summary>
    /// The patches of the next livepatch: the carried ones less those that are dropped, each replaced in its place by a given one
    /// of its name, then the other given ones.
    /// </summary>
    public static Outcome<IReadOnlyList<PatchFile>> Combine(
        IReadOnlyList<PatchFile> carried,
        IReadOnlyList<PatchFile> given,
        IReadOnlyList<string> dropped
    )
    {
        if (dropped.FirstOrDefault(d => carried.All(c => c.Name != d)) is { } unknown)
        {
            return new Problem(
                CommandProblems.UsageInvalid,
                $"no live patch is called '{unknown}'; {(carried.Count == 0 ? "none is live" : $"live are {string.Join(", ", carried.Select(c => c.Name))}")}",
                "List the live patches with `elivepatch status`."
            );
        }
        var kept = carried
            .Where(c => !dropped.Contains(c.Name))
            .Select(c => given.FirstOrDefault(g => g.Name == c.Name) ?? c)
            .ToList();
        List<PatchFile> all = [.. kept, .. given.Where(g => kept.All(k => k.Name != g.Name))];
        return all.Count > 0
            ? all
            : new Problem(
                CommandProblems.UsageInvalid,
                "no patch would be left live",
                "Name a patch; `elivepatch disable` leaves none live."
            );
    }

    /// <summary>
    /// A name for the module of these patches: that of the last one, and a few digits made of all and of what is stated. A new
    /// livepatch cannot be called like the one that it replaces, and machines that ask for the same are to share one build.
    /// </summary>
    /// <param name="patches">The patches.</param>
    /// <param name="statements">What their authors state.</param>
    /// <param name="inPlaceOf">SHA-256 of the module that is or was live and has been withdrawn; null for none.</param>
    public static string ModuleName(
        IReadOnlyList<PatchReference> patches,
        IReadOnlyList<AuthorStatement> statements,
        string? inPlaceOf = null
    )
    {
        const int digits = 8;
        const int longest = KernelLimits.ModuleName - 1 - digits;
        var stated = string.Concat(statements.Select(s => $"{s.Target}: {s.Reason}\n"));
        var all = string.Concat(patches.Select(p => p.Sha256)) + stated + inPlaceOf;
        var digest = ContentDigest.Of(System.Text.Encoding.UTF8.GetBytes(all)).Hex;
        var name = Model.ModuleName.FromPatch(patches[^1].Name);
        return $"{(name.Length <= longest ? name : name[..longest]).TrimEnd('_')}_{digest[..digits]}";
    }

    private static string NameOf(string path)
    {
        var plain = Other().Replace(Path.GetFileName(path), "_").TrimStart('.', '-', '+');
        return plain.Length switch
        {
            0 => "patch",
            > LongestName => plain[^LongestName..],
            _ => plain,
        };
    }

    [GeneratedRegex("[^A-Za-z0-9._+-]+")]
    private static partial Regex Other();
}
