using System.Text.RegularExpressions;

namespace Elivepatch.Model;

/// <summary>Names of modules, and for livepatches what the kernel, the shell and sysfs all take as they are.</summary>
public static partial class ModuleName
{
    /// <summary>Checks a name that somebody chose.</summary>
    public static Outcome<string> Check(string name) =>
        Pattern().IsMatch(name) && name.Length <= KernelLimits.ModuleName
            ? name
            : new Problem(KernelProblems.ModuleNameUnusable, name.Length > 100 ? name[..100] + "..." : name);

    /// <summary>A name made of a patch's file name: <c>0001-fix-it.patch</c> gives <c>livepatch_0001_fix_it</c>.</summary>
    public static string FromPatch(string path)
    {
        var plain = Other().Replace(Path.GetFileNameWithoutExtension(path), "_").Trim('_');
        var name = "livepatch_" + (plain.Length > 0 ? plain : "patch");
        return name.Length <= KernelLimits.ModuleName ? name : name[..KernelLimits.ModuleName].TrimEnd('_');
    }

    /// <summary>
    /// The name that the kernel gives to the module in a file (<c>scripts/Makefile.lib</c>, name-fix): without folder and
    /// <c>.ko</c>, <c>.ko.xz</c> and the like, and with no dashes.
    /// </summary>
    public static string OfFile(string path)
    {
        var file = path[(path.LastIndexOf('/') + 1)..];
        var end = file.IndexOf(".ko", StringComparison.Ordinal);
        return (end < 0 ? file : file[..end]).Replace('-', '_');
    }

    /// <summary>True for a name that a module of a kernel can have, as <c>/proc/modules</c> lists it.</summary>
    public static bool IsOfKernel(string name) =>
        name.Length is > 0 and <= KernelLimits.ModuleName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_');

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_]*$")]
    private static partial Regex Pattern();

    [GeneratedRegex("[^A-Za-z0-9_]+")]
    private static partial Regex Other();
}
