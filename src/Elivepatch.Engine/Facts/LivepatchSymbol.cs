namespace Elivepatch.Engine.Facts;

/// <summary>
/// A symbol of the running kernel that only the livepatch core can resolve, written <c>.klp.sym.OBJECT.NAME,POSITION</c>
/// (<c>Documentation/livepatch/module-elf-format.rst</c> in the kernel's source).
/// </summary>
/// <param name="ObjectName"><c>vmlinux</c> or the name of a module.</param>
/// <param name="Name">Name in kallsyms.</param>
/// <param name="Position">Which of several of that name.</param>
public sealed record LivepatchSymbol(string ObjectName, string Name, Sympos Position)
{
    /// <summary>What every such name begins with.</summary>
    public const string Prefix = ".klp.sym.";

    /// <summary>The name in the symbol table.</summary>
    public string SymbolName => $"{Prefix}{ObjectName}.{Name},{Position}";

    /// <summary>Reads a symbol table name; null where it is not of this form.</summary>
    public static LivepatchSymbol? TryParse(string symbolName)
    {
        if (!symbolName.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null;
        }

        var rest = symbolName[Prefix.Length..];
        var (dot, comma) = (rest.IndexOf('.', StringComparison.Ordinal), rest.LastIndexOf(','));
        return
            dot > 0
            && comma > dot + 1
            && int.TryParse(rest[(comma + 1)..], System.Globalization.NumberStyles.None, null, out var position)
            ? new(rest[..dot], rest[(dot + 1)..comma], new(position))
            : null;
    }

    /// <inheritdoc/>
    public override string ToString() => SymbolName;
}
