// In: the paths that patches change. Out: those that code is compiled from, or why they cannot be live patched. The paths are
// those of the kernel's own tree.

using Elivepatch.Kernel.Architectures;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Patches;

/// <summary>What may be live patched, by path.</summary>
public static class PatchRules
{
    private static readonly string[] BuildFiles = ["Makefile", "Kbuild", "Kconfig"];
    private static readonly string[] BuildFolders = ["scripts/", "tools/", "usr/", "certs/"];

    private const string BootStub = "drivers/firmware/efi/libstub/",
        SharedVdso = "lib/vdso/";

    private static readonly string[] SilentFolders =
    [
        "Documentation/",
        "LICENSES/",
        "samples/",
        "rust/",
        "tools/testing/",
        ".github/",
    ];
    private static readonly string[] SilentNames = ["MAINTAINERS", "CREDITS", "COPYING", "README", ".gitignore", ".mailmap"];
    private static readonly string[] SilentSuffixes = [".rst", ".txt", ".md", ".yaml", ".dts", ".dtsi", ".rs"];

    /// <summary>
    /// The paths of these that are C or headers of this processor's kernels; a problem for each that cannot be live patched.
    /// </summary>
    public static Outcome<IReadOnlyList<string>> CodePaths(KernelArchitecture architecture, IReadOnlyList<string> paths)
    {
        var problems = paths.Distinct().Select(p => Refusal(architecture, p)).OfType<Problem>().ToList();
        if (problems.Count > 0)
        {
            return Outcome<IReadOnlyList<string>>.Failure(problems);
        }

        var code = paths.Distinct().Where(p => !IsSilent(architecture, p)).ToList();
        return code.Count > 0 ? code : new Problem(PatchProblems.PatchHasNoCode, string.Join(", ", paths.Distinct().Take(8)));
    }

    /// <summary>True for code that has run before the kernel proper, or runs outside of it.</summary>
    public static bool IsBootCode(KernelArchitecture architecture, string path) =>
        path.StartsWith(BootStub, StringComparison.Ordinal) || architecture.Sources.BootFolders.Any(path.StartsWith);

    /// <summary>True for code of the vdso, the image that is mapped into every process.</summary>
    public static bool IsVdso(KernelArchitecture architecture, string path) =>
        path.StartsWith(SharedVdso, StringComparison.Ordinal) || architecture.Sources.VdsoFolders.Any(path.StartsWith);

    private static Problem? Refusal(KernelArchitecture architecture, string path)
    {
        if (IsSilent(architecture, path))
        {
            return null;
        }

        var name = Path.GetFileName(path);
        if (
            BuildFolders.Any(path.StartsWith)
            || architecture.Sources.BuildInputs.Contains(path)
            || BuildFiles.Any(b => name == b || name.StartsWith(b + ".", StringComparison.Ordinal))
        )
        {
            return new(PatchProblems.PatchChangesBuild, path);
        }

        if (IsBootCode(architecture, path))
        {
            return new(PatchProblems.PatchChangesBootCode, path);
        }

        if (IsVdso(architecture, path))
        {
            return new(PatchProblems.PatchChangesVdso, path);
        }

        return Path.GetExtension(name) switch
        {
            ".c" or ".h" => null,
            ".S" or ".s" or ".lds" => new(PatchProblems.PatchChangesAssembly, path),
            _ => new(PatchProblems.PatchChangesOtherFile, path),
        };
    }

    // Files that no code of the kernel comes from.
    private static bool IsSilent(KernelArchitecture architecture, string path) =>
        SilentFolders.Any(path.StartsWith)
        || SilentNames.Contains(Path.GetFileName(path))
        || (!architecture.Sources.BuildInputs.Contains(path) && SilentSuffixes.Contains(Path.GetExtension(path)))
        || (
            path.StartsWith("arch/", StringComparison.Ordinal)
            && path.Split('/') is [_, var other, _, ..]
            && other != architecture.SourceName
        );
}
