// In: the paths that patches change. Out: those that code is compiled from, or why they cannot be live patched. The paths are
// those of the kernel's own tree.

using Elivepatch.Engine;

namespace Elivepatch.Kernel.Patches;

/// <summary>What may be live patched, by path.</summary>
public static class PatchRules
{
    private static readonly string[] BuildFiles = ["Makefile", "Kbuild", "Kconfig"];
    private static readonly string[] BuildFolders = ["scripts/", "tools/", "usr/", "certs/"];

    // The tables of the kernel's own decoder are made from this text.
    private const string OpcodeMap = "arch/x86/lib/x86-opcode-map.txt";

    private static readonly string[] BootFolders =
    [
        "arch/x86/boot/", "arch/x86/realmode/", "arch/x86/purgatory/", "drivers/firmware/efi/libstub/",
    ];

    private static readonly string[] VdsoFolders = ["arch/x86/entry/vdso/", "lib/vdso/", "arch/x86/um/vdso/"];
    private static readonly string[] SilentFolders = ["Documentation/", "LICENSES/", "samples/", "rust/", "tools/testing/", ".github/"];
    private static readonly string[] SilentNames = ["MAINTAINERS", "CREDITS", "COPYING", "README", ".gitignore", ".mailmap"];
    private static readonly string[] SilentSuffixes = [".rst", ".txt", ".md", ".yaml", ".dts", ".dtsi", ".rs"];

    /// <summary>The paths of these that are C or headers of x86; a problem for each that cannot be live patched.</summary>
    public static Outcome<IReadOnlyList<string>> CodePaths(IReadOnlyList<string> paths)
    {
        var problems = paths.Distinct().Select(Refusal).OfType<Problem>().ToList();
        if (problems.Count > 0)
            return Outcome<IReadOnlyList<string>>.Failure(problems);
        var code = paths.Distinct().Where(p => !IsSilent(p)).ToList();
        return code.Count > 0 ? code : new Problem(ProblemCodes.PatchHasNoCode, string.Join(", ", paths.Distinct().Take(8)));
    }

    /// <summary>True for code that has run before the kernel proper, or runs outside of it.</summary>
    public static bool IsBootCode(string path) => BootFolders.Any(path.StartsWith);

    /// <summary>True for code of the vdso, the image that is mapped into every process.</summary>
    public static bool IsVdso(string path) => VdsoFolders.Any(path.StartsWith);

    private static Problem? Refusal(string path)
    {
        if (IsSilent(path))
            return null;
        var name = Path.GetFileName(path);
        if (BuildFolders.Any(path.StartsWith) || path == OpcodeMap || BuildFiles.Any(b => name == b || name.StartsWith(b + ".", StringComparison.Ordinal)))
            return new(ProblemCodes.PatchChangesBuild, path);
        if (IsBootCode(path))
            return new(ProblemCodes.PatchChangesBootCode, path);
        if (IsVdso(path))
            return new(ProblemCodes.PatchChangesVdso, path);
        return Path.GetExtension(name) switch
        {
            ".c" or ".h" => null,
            ".S" or ".s" or ".lds" => new(ProblemCodes.PatchChangesAssembly, path),
            _ => new(ProblemCodes.PatchChangesOtherFile, path),
        };
    }

    // Files that no code of an x86 kernel comes from.
    private static bool IsSilent(string path) =>
        SilentFolders.Any(path.StartsWith) || SilentNames.Contains(Path.GetFileName(path))
        || (path != OpcodeMap && SilentSuffixes.Contains(Path.GetExtension(path)))
        || (path.StartsWith("arch/", StringComparison.Ordinal) && path.Split('/') is [_, not "x86", _, ..]);
}
