using System.Globalization;
using Elivepatch.Elf;

namespace Elivepatch.Kernel.Tests.Differential;

/// <summary>
/// The symbols of the kernel proper or of a module, read as simply as can be: nothing here is shared with what is tested. Out:
/// addresses by name, in the order in which the kernel counts them.
/// </summary>
internal sealed class PlainSymbols
{
    private readonly Dictionary<string, List<(ulong Address, bool IsGlobal)>> symbols = new(StringComparer.Ordinal);

    private PlainSymbols(string objectName) => ObjectName = objectName;

    /// <summary>The object that has them, as a livepatch names it.</summary>
    public string ObjectName { get; }

    /// <summary>Those of the kernel proper, from <c>/proc/kallsyms</c>: in order of address.</summary>
    public static PlainSymbols OfKernel(string kallsyms)
    {
        var read = new PlainSymbols("vmlinux");
        foreach (var line in kallsyms.Split('\n'))
        {
            if (line.Split(' ', '\t') is [var address, [var letter], var name])
            {
                read.Add(name, ulong.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture), char.IsUpper(letter));
            }
        }

        return read;
    }

    /// <summary>
    /// Those of a module, from its file: in the order of its symbol table. Where it will lie is not known, so its sections
    /// are put far apart.
    /// </summary>
    public static PlainSymbols OfModule(string name, ElfObject file)
    {
        const int apart = 32;
        var read = new PlainSymbols(name);
        foreach (var symbol in file.Symbols.Where(s => s.IsDefined && s.Name.Length > 0 && !s.IsSectionSymbol))
        {
            var section = (ulong)file.Sections.IndexOf(symbol.Section!) + 1;
            read.Add(symbol.Name, (section << apart) + symbol.Value, symbol.Binding != ElfSymbolBinding.Local);
        }

        return read;
    }

    /// <summary>All of one name.</summary>
    public IReadOnlyList<(ulong Address, bool IsGlobal)> Named(string name) => symbols.GetValueOrDefault(name) ?? [];

    /// <summary>The address that a livepatch symbol means; null where it means none.</summary>
    public ulong? At(string name, int position)
    {
        var named = Named(name);
        return position == 0 ? (named.Count == 1 ? named[0].Address : null)
            : position <= named.Count ? named[position - 1].Address
            : null;
    }

    /// <summary>The address of what an undefined symbol means; null where that is not one.</summary>
    public ulong? Global(string name) => Named(name).Where(s => s.IsGlobal).ToList() is [var only] ? only.Address : null;

    private void Add(string name, ulong address, bool isGlobal)
    {
        if (!symbols.TryGetValue(name, out var named))
        {
            symbols[name] = named = [];
        }

        named.Add((address, isGlobal));
    }
}
