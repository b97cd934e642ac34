using System.Globalization;

namespace Elivepatch.Kernel.Tests.Differential;

/// <summary>
/// The symbols of the kernel proper, read as simply as can be: nothing here is shared with what is tested. In: the lines of
/// <c>/proc/kallsyms</c>. Out: addresses by name, in order of address.
/// </summary>
internal sealed class PlainKernel
{
    private readonly Dictionary<string, List<(ulong Address, char Letter)>> symbols = new(StringComparer.Ordinal);

    public PlainKernel(string kallsyms)
    {
        foreach (var line in kallsyms.Split('\n'))
        {
            if (line.Split(' ', '\t') is not [var address, [var letter], var name])
            {
                // Of a module, or empty.
                continue;
            }

            if (!symbols.TryGetValue(name, out var named))
            {
                symbols[name] = named = [];
            }

            named.Add((ulong.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture), letter));
        }
    }

    /// <summary>All of one name. They are counted in the order in which the kernel has them, that of their addresses.</summary>
    public IReadOnlyList<(ulong Address, char Letter)> Named(string name) => symbols.GetValueOrDefault(name) ?? [];

    /// <summary>The address that a livepatch symbol means; null where it means none.</summary>
    public ulong? At(string name, int position)
    {
        var named = Named(name);
        return position == 0 ? (named.Count == 1 ? named[0].Address : null)
            : position <= named.Count ? named[position - 1].Address
            : null;
    }

    /// <summary>The address of what an undefined symbol means; null where that is not one.</summary>
    public ulong? Global(string name) =>
        Named(name).Where(s => char.IsUpper(s.Letter)).ToList() is [var only] ? only.Address : null;
}
