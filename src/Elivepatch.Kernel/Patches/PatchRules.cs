// In: the paths that patches change. Out: those that code is compiled from, or why they cannot be live patched. The kernel's own
// tree has folders with a meaning of their own; the source of a module has none.

using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Patches;

/// <summary>What may be live patched, by path.</summary>
/// <param name="kernel">The processor, for paths in the kernel's own tree; null for those in the source of a module.</param>
public sealed class PatchRules(KernelArchitecture? kernel)
{
    private static readonly string[] BuildFiles = ["Makefile", "Kbuild", "Kconfig", "dkms.conf"];
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

    // Anything else in the source of a module may be what its Kbuild makes sources from.
    private static readonly string[] SilentSuffixesOfModules = [".rst", ".md"];

    /// <summary>The rules for the files of a source.</summary>
    public static PatchRules For(SourceTree tree) => new(tree is PreparedTree ? tree.Architecture : null);

    /// <summary>
    /// The paths of these that are C or headers of this processor's kernels; a problem for each that cannot be live patched.
    /// </summary>
    public Outcome<IReadOnlyList<string>> CodePaths(IReadOnlyList<string> paths)
    {
        var problems = paths.Distinct().Select(Refusal).OfType<Problem>().ToList();
        if (problems.Count > 0)
        {
            return Outcome<IReadOnlyList<string>>.Failure(problems);
        }

        var code = paths.Distinct().Where(p => !IsSilent(p)).ToList();
        return code.Count > 0 ? code : new Problem(PatchProblems.PatchHasNoCode, string.Join(", ", paths.Distinct().Take(8)));
    }

    /// <summary>True for code that has run before the kernel proper, or runs outside of it.</summary>
    public static bool IsBootCode(KernelArchitecture architecture, string path) =>
        path.StartsWith(BootStub, StringComparison.Ordinal) || architecture.Sources.BootFolders.Any(path.StartsWith);

    /// <summary>True for code of the vdso, the image that is mapped into every process.</summary>
    public static bool IsVdso(KernelArchitecture architecture, string path) =>
        path.StartsWith(SharedVdso, StringComparison.Ordinal) || architecture.Sources.VdsoFolders.Any(path.StartsWith);

    private Problem? Refusal(string path)
    {
        if (IsSilent(path))
        {
            return null;
        }

        var name = Path.GetFileName(path);
        if (
            (kernel is not null && (BuildFolders.Any(path.StartsWith) || kernel.Sources.BuildInputs.Contains(path)))
            || BuildFiles.Any(b => name == b || name.StartsWith(b + ".", StringComparison.Ordinal))
        )
        {
            return new(PatchProblems.PatchChangesBuild, path);
        }

        if (kernel is not null && IsBootCode(kernel, path))
        {
            return new(PatchProblems.PatchChangesBootCode, path);
        }

        if (kernel is not null && IsVdso(kernel, path))
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
    private bool IsSilent(string path) =>
        SilentNames.Contains(Path.GetFileName(path))
        || (kernel is null ? SilentSuffixesOfModules.Contains(Path.GetExtension(path)) : IsSilent(kernel, path));

    private static bool IsSilent(KernelArchitecture kernel, string path) =>
        (!kernel.Sources.BuildInputs.Contains(path) && SilentSuffixes.Contains(Path.GetExtension(path)))
        || SilentFolders.Any(path.StartsWith)
        || IsOfOtherProcessor(kernel, path);

    private static bool IsOfOtherProcessor(KernelArchitecture kernel, string path) =>
        path.StartsWith("arch/", StringComparison.Ordinal)
        && path.Split('/') is [_, var other, _, ..]
        && other != kernel.SourceName;
}
