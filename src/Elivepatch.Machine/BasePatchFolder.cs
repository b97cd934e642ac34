// In: the machine's folder of user patches, as Gentoo's package manager keeps it. Out: the patches that the running kernel was
// built with, in the order in which it applied them. The rules are those of portage's eapply_user: of the folders
// PACKAGE-VERSION-rN, PACKAGE-VERSION and PACKAGE, each also with `:SLOT` behind it, the more specific one hides files of the
// same name in the less specific, an empty file or a link to /dev/null hides and adds nothing, and all are sorted by their name's
// bytes.

using System.Text.RegularExpressions;
using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>Finds the patches that a source-based distribution built the kernel with.</summary>
public static partial class BasePatchFolder
{
    /// <summary>Where they are.</summary>
    public const string Folder = "etc/portage/patches/sys-kernel";

    /// <summary>Finds them.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="release">The kernel's release, <c>6.12.5-gentoo-r1</c>.</param>
    /// <param name="package">The package that built it; null where there is no doubt which.</param>
    public static Outcome<IReadOnlyList<string>> Find(MachineFiles files, string release, string? package)
    {
        var version = Release().Match(release);
        var folders = files
            .Folders(Folder)
            .Select(name => (Name: name, Parts: Package().Match(name)))
            .Where(f => f.Parts.Success)
            .ToList();
        var packages = folders
            .Where(f => package is null || f.Parts.Groups["name"].Value == package)
            .Select(f => (f.Name, f.Parts, Weight: Weight(f.Parts, version)))
            .Where(f => f.Weight is not null)
            .OrderByDescending(f => f.Weight)
            .ToList();
        var names = packages.Select(f => f.Parts.Groups["name"].Value).Distinct().ToList();
        if (names.Count > 1)
        {
            return new Problem(MachineProblems.KernelPackageAmbiguous, $"/{Folder} has patches for {string.Join(", ", names)}");
        }

        var chosen = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var folder in packages)
        {
            foreach (
                var name in files
                    .Files($"{Folder}/{folder.Name}")
                    .Where(n => n.EndsWith(".patch", StringComparison.Ordinal) || n.EndsWith(".diff", StringComparison.Ordinal))
            )
            {
                chosen.TryAdd(name, files.PathOf($"{Folder}/{folder.Name}/{name}"));
            }
        }
        return chosen.Values.Where(IsFilled).ToList();
    }

    // How specific a folder is; null for one of another version. The slot of a kernel's source is its version.
    private static int? Weight(Match folder, Match release)
    {
        var (version, revision) = (release.Groups["version"].Value, release.Groups["revision"].Value);
        var ofVersion = folder.Groups["version"];
        var ofRevision = folder.Groups["revision"];
        var slot = folder.Groups["slot"];
        if (ofVersion.Success && ofVersion.Value != version)
        {
            return null;
        }

        if (ofRevision.Success && ofRevision.Value != revision)
        {
            return null;
        }

        if (slot.Success && slot.Value != version && slot.Value != $"{version}-{revision}")
        {
            return null;
        }

        return (
                ofRevision.Success ? 4
                : ofVersion.Success ? 2
                : 0
            ) + (slot.Success ? 1 : 0);
    }

    // A link is followed: to /dev/null leads nowhere with bytes.
    private static bool IsFilled(string path) =>
        File.Exists(path) && (File.ResolveLinkTarget(path, returnFinalTarget: true) as FileInfo ?? new FileInfo(path)).Length > 0;

    [GeneratedRegex(@"^(?<version>\d+(\.\d+)*(_rc\d+)?)(?:-(?!r\d+$)[A-Za-z][A-Za-z0-9+_]*)*(?:-(?<revision>r\d+))?")]
    private static partial Regex Release();

    [GeneratedRegex(
        @"^(?<name>[A-Za-z0-9+_][A-Za-z0-9+_-]*?)(?:-(?<version>\d+(\.\d+)*[a-z]?(_(rc|p)\d+)?)(?:-(?<revision>r\d+))?)?(?::(?<slot>[A-Za-z0-9+_.-]+))?$"
    )]
    private static partial Regex Package();
}
