using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;

namespace Elivepatch.Engine.Link;

/// <summary>
/// A livepatch symbol, and what the code or data that refers to it is part of. The livepatch core applies relocations against
/// symbols of the kernel proper when the livepatch is loaded, and those against symbols of modules, of whichever module, when the
/// object is there whose code they are in.
/// </summary>
/// <param name="Symbol">The symbol.</param>
/// <param name="User">Name of the object that refers to it.</param>
public sealed record LivepatchUse(LivepatchSymbol Symbol, string User)
{
    private const char Separator = ';';

    /// <summary>Name of the object in the name of the relocation section.</summary>
    public string SectionObject => VmlinuxTarget.IsNamed(Symbol.ObjectName) ? Symbol.ObjectName : User;

    /// <summary>
    /// The name of the symbol while the kernel's own tools work on the module: no two uses that end in different sections have
    /// the same one, whatever the linker does to sections.
    /// </summary>
    public string LinkName => SectionObject == Symbol.ObjectName ? Symbol.SymbolName : $"{Symbol.SymbolName}{Separator}{User}";

    /// <summary>True for a relocation against a symbol that a module has.</summary>
    internal static bool LeadsToModule(ElfRelocation relocation) =>
        relocation.Symbol is { } symbol && TryParse(symbol.Name) is { } use && !VmlinuxTarget.IsNamed(use.Symbol.ObjectName);

    /// <summary>Reads a name of this form; null where it is none.</summary>
    public static LivepatchUse? TryParse(string name)
    {
        var end = name.IndexOf(Separator, StringComparison.Ordinal);
        return LivepatchSymbol.TryParse(end < 0 ? name : name[..end]) is { } symbol
            ? new(symbol, end < 0 ? symbol.ObjectName : name[(end + 1)..])
            : null;
    }
}
