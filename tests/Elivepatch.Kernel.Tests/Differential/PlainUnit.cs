using Elivepatch.Elf;

namespace Elivepatch.Kernel.Tests.Differential;

/// <summary>
/// Where the symbols of one unpatched unit lie in the running kernel, found as simply as can be: a symbol whose name the kernel
/// has once says where its section begins, and that says where all others of the section are.
/// </summary>
internal sealed class PlainUnit
{
    private readonly Dictionary<ElfSection, ulong> starts = [];
    private readonly Dictionary<string, List<ElfSymbol>> symbols = new(StringComparer.Ordinal);

    /// <summary>Finds them.</summary>
    /// <param name="unpatched">The unit.</param>
    /// <param name="home">The object that it is linked into.</param>
    public PlainUnit(ElfObject unpatched, PlainSymbols home)
    {
        foreach (var symbol in unpatched.Symbols.Where(s => s.IsDefined && s.Name.Length > 0 && !s.IsSectionSymbol))
        {
            if (!symbols.TryGetValue(BaseOf(symbol.Name), out var named))
            {
                symbols[BaseOf(symbol.Name)] = named = [];
            }

            named.Add(symbol);
            if (home.Named(symbol.Name) is [var only])
            {
                starts.TryAdd(symbol.Section!, only.Address - symbol.Value);
            }
        }
    }

    /// <summary>
    /// The addresses that a symbol of the unit may have; empty where it has none of this name, or nothing says where.
    /// </summary>
    public IReadOnlyList<ulong> AddressesOf(string name) =>
        [
            .. (symbols.GetValueOrDefault(BaseOf(name)) ?? [])
                .Where(s => starts.ContainsKey(s.Section!))
                .Select(s => starts[s.Section!] + s.Value),
        ];

    /// <summary>True where the unpatched unit defines it.</summary>
    public bool Defines(string name) => symbols.ContainsKey(BaseOf(name));

    /// <summary>A name without what the compiler adds: the number of a static local, <c>.isra.0</c>.</summary>
    public static string BaseOf(string name) => name.IndexOf('.', 1) is > 0 and var dot ? name[..dot] : name;
}
