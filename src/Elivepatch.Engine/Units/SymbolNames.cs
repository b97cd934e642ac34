using System.Text.RegularExpressions;

namespace Elivepatch.Engine.Units;

/// <summary>What the compiler's name suffixes mean. GCC numbers clones and static locals; the numbers carry no meaning.</summary>
public static partial class SymbolNames
{
    /// <summary>What GCC and Clang append to the name of a function's rarely executed part.</summary>
    public const string ColdSuffix = ".cold";

    // Variables that macros make anew for every use. A fresh copy behaves as the old one did.
    private static readonly HashSet<string> throwaways =
    [
        "__func__",
        "__FUNCTION__",
        "__PRETTY_FUNCTION__",
        "__already_done",
        "_rs",
        "__key",
        "CSWTCH",
        "__warned",
        "__print_once",
        "descriptor",
        "_entry",
        "_entry_ptr",
        "__msg",
        "__section_warned",
        "__ret_warn_once",
    ];

    /// <summary>
    /// A function's name with every clone number replaced: <c>foo.isra.3.cold</c> gives <c>foo.isra.#.cold</c>.
    /// </summary>
    public static string OfFunction(string name) => CloneNumber().Replace(name, "$1.#");

    /// <summary>The function a clone or part comes from: <c>foo.isra.3.cold</c> gives <c>foo</c>.</summary>
    public static string SourceFunction(string name)
    {
        var match = CloneSuffix().Match(name);
        return match.Success ? name[..match.Index] : name;
    }

    /// <summary>True for a partition that GCC split off for rarely executed code.</summary>
    public static bool IsCold(string name) => NumberedColdSuffix().IsMatch(name);

    /// <summary>The name of the function that a cold part belongs to.</summary>
    public static string ParentOfCold(string name) => NumberedColdSuffix().Replace(name, "");

    /// <summary>A variable's name without the number of a static local or of a macro's unique identifier.</summary>
    public static string OfVariable(string name)
    {
        var dot = LocalNumber().Match(name);
        var plain = dot.Success ? name[..dot.Index] : name;
        var isUnique =
            plain.StartsWith("__UNIQUE_ID_", StringComparison.Ordinal)
            || plain.Contains(".__UNIQUE_ID_", StringComparison.Ordinal);
        return isUnique ? plain.TrimEnd("0123456789".ToCharArray()) : plain;
    }

    /// <summary>
    /// The name of a symbol in a list without what makes it unique: macros put a counter or the source line into names that begin
    /// with two underscores, such as <c>__UNIQUE_ID_name42</c> or <c>__initcall__kmod_unit__123_456_setup6</c>.
    /// </summary>
    public static string OfListEntry(string name) =>
        name.StartsWith("__", StringComparison.Ordinal) ? Digits().Replace(name, "#") : OfVariable(name);

    /// <summary>True for a static variable of a function (or a numbered compiler temporary).</summary>
    public static bool IsStaticLocal(string name) => LocalNumber().IsMatch(name) || ClangLocal().IsMatch(name);

    /// <summary>True where a fresh copy of the variable is as good as the running kernel's.</summary>
    public static bool IsThrowaway(string name)
    {
        var plain = OfVariable(name);
        // Clang puts the function in front.
        var local = ClangLocal().IsMatch(plain) ? plain[(plain.IndexOf('.', StringComparison.Ordinal) + 1)..] : plain;
        return (IsStaticLocal(name) && throwaways.Contains(local))
            || local.StartsWith("__UNIQUE_ID_", StringComparison.Ordinal)
            || plain.StartsWith(".LC", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"(\.(?:isra|constprop|part|cold))\.\d+")]
    private static partial Regex CloneNumber();

    [GeneratedRegex(@"\.(?:isra|constprop|part|cold)(?:\.|$)")]
    private static partial Regex CloneSuffix();

    [GeneratedRegex(@"\.cold(?:\.\d+)?$")]
    private static partial Regex NumberedColdSuffix();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Digits();

    [GeneratedRegex(@"(?:\.\d+)+$")]
    private static partial Regex LocalNumber();

    // C has no names with a dot: this one is a function's.
    [GeneratedRegex(@"^[A-Za-z_]\w*\.[A-Za-z_]\w*(?:\.\d+)*$")]
    private static partial Regex ClangLocal();
}
