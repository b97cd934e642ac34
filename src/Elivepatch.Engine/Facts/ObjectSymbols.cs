// The symbols of vmlinux or of one module, in the order in which the kernel counts them. A view of the one big table that
// KernelSymbols fills: 150,000 symbols as five arrays cost less time and memory than as many objects, and most are never asked
// for.
using System.Text;
using Elivepatch.Model;

namespace Elivepatch.Engine.Facts;

/// <summary>
/// The symbols of one object of the running kernel: vmlinux in address order, a module in symbol table order, which are the
/// orders in which the kernel counts equal names (<c>kernel/livepatch/core.c</c>).
/// </summary>
public sealed class ObjectSymbols
{
    /// <summary>No function and no datum that code refers to is longer, in bytes.</summary>
    public const ulong Longest = 1 << 20;

    private readonly KallsymsTable table;
    private readonly int start;
    private readonly Lazy<(int[] Heads, int[] Next)> names;

    internal ObjectSymbols(KallsymsTable table, int start, int count, bool inAddressOrder)
    {
        this.table = table;
        this.start = start;
        Count = count;
        InAddressOrder = inAddressOrder;
        names = new(IndexNames);
    }

    /// <summary>Symbols that come from elsewhere than kallsyms, in the kernel's order.</summary>
    /// <param name="symbols">
    /// The symbols; their names are ASCII and have at most <see cref="KernelLimits.SymbolName"/> characters.
    /// </param>
    internal static ObjectSymbols Of(IReadOnlyList<KernelSymbol> symbols)
    {
        var names = new byte[symbols.Sum(s => s.Name.Length)];
        var (starts, lengths) = (new int[symbols.Count], new ushort[symbols.Count]);
        var end = 0;
        for (var i = 0; i < symbols.Count; i++)
        {
            (starts[i], lengths[i]) = (end, (ushort)symbols[i].Name.Length);
            end += Encoding.ASCII.GetBytes(symbols[i].Name, names.AsSpan(end));
        }

        var table = new KallsymsTable(
            names,
            [.. symbols.Select(s => s.Address)],
            [.. symbols.Select(s => (byte)s.Type)],
            starts,
            lengths
        );
        return new(table, 0, symbols.Count, inAddressOrder: false);
    }

    /// <summary>How many symbols there are.</summary>
    public int Count { get; }

    /// <summary>The symbol at this position in the kernel's order.</summary>
    public KernelSymbol this[int index] =>
        (uint)index < (uint)Count ? table[start + index] : throw new ArgumentOutOfRangeException(nameof(index));

    internal bool InAddressOrder { get; }

    /// <summary>True where a symbol of this name exists.</summary>
    public bool Contains(string name) => IndexesOf(name).MoveNext();

    /// <summary>All symbols with this name, in the kernel's order; empty where there is none.</summary>
    public IReadOnlyList<KernelSymbol> Named(string name) => [.. EachNamed(name)];

    /// <summary>
    /// The position of the symbol with this name and address, counted as the kernel counts: every symbol of the name, of
    /// whatever type. Null where the object has no such symbol.
    /// </summary>
    public Sympos? PositionOf(string name, ulong address)
    {
        var count = 0;
        var position = 0;
        foreach (var index in IndexesOf(name))
        {
            count++;
            if (position == 0 && table.Addresses[index] == address)
            {
                position = count;
            }
        }

        return position == 0 ? null : new Sympos(count == 1 ? 0 : position);
    }

    /// <summary>All symbols at exactly this address.</summary>
    public IReadOnlyList<KernelSymbol> At(ulong address)
    {
        var found = new List<KernelSymbol>();
        for (var i = InAddressOrder ? FirstAtOrAfter(address) : 0; i < Count; i++)
        {
            var at = table.Addresses[start + i];
            if (at == address)
            {
                found.Add(table[start + i]);
            }
            else if (InAddressOrder)
            {
                break;
            }
        }

        return found;
    }

    /// <summary>
    /// The last symbol whose address is not above this one; null where all are above, or the order is not that of addresses.
    /// </summary>
    public KernelSymbol? AtOrBefore(ulong address)
    {
        if (!InAddressOrder)
        {
            return null;
        }

        var next = FirstAtOrAfter(address);
        var isExact = next < Count && table.Addresses[start + next] == address;
        return isExact ? table[start + next]
            : next > 0 ? table[start + next - 1]
            : null;
    }

    /// <summary>
    /// All symbols from <paramref name="first"/> up to but not including <paramref name="end"/>, in the kernel's order.
    /// </summary>
    public IEnumerable<KernelSymbol> Between(ulong first, ulong end)
    {
        for (var i = InAddressOrder ? FirstAtOrAfter(first) : 0; i < Count; i++)
        {
            var at = table.Addresses[start + i];
            if (at >= first && at < end)
            {
                yield return table[start + i];
            }
            else if (InAddressOrder && at >= end)
            {
                yield break;
            }
        }
    }

    /// <summary>
    /// The end of what a symbol names: where the next one begins, as for <c>kallsyms_lookup_size_offset()</c>, and at most
    /// <see cref="Longest"/> bytes on.
    /// </summary>
    public ulong EndOf(KernelSymbol symbol)
    {
        var behind = Between(symbol.Address + 1, symbol.Address + Longest).Select(s => s.Address);
        return (InAddressOrder ? behind : behind.Order()).FirstOrDefault(symbol.Address + Longest);
    }

    /// <summary>All symbols with this name, in the kernel's order, one by one and without a list.</summary>
    internal IEnumerable<KernelSymbol> EachNamed(string name)
    {
        foreach (var index in IndexesOf(name))
        {
            yield return new(name, table.Addresses[index], (char)table.Types[index]);
        }
    }

    /// <summary>
    /// Position of the first symbol whose address is not below this one; <see cref="Count"/> where all are below.
    /// </summary>
    private int FirstAtOrAfter(ulong address)
    {
        var low = 0;
        var high = Count;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (table.Addresses[start + middle] < address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private NameEnumerator IndexesOf(string name)
    {
        Span<byte> bytes = stackalloc byte[KernelLimits.SymbolName];
        if (!Encoding.UTF8.TryGetBytes(name, bytes, out var length))
        {
            return new(this, name, -1);
        }

        var heads = names.Value.Heads;
        var head = heads.Length == 0 ? -1 : heads[KallsymsTable.Hash(bytes[..length]) & (uint)(heads.Length - 1)];
        return new(this, name, head);
    }

    private (int[] Heads, int[] Next) IndexNames()
    {
        if (Count == 0)
        {
            return ([], []);
        }

        var heads = new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Count)];
        var next = new int[Count];
        Array.Fill(heads, -1);

        // From the last to the first, each put at the head of its chain: every chain is then in the kernel's order.
        for (var i = Count - 1; i >= 0; i--)
        {
            ref var head = ref heads[KallsymsTable.Hash(table.NameBytes(start + i)) & (uint)(heads.Length - 1)];
            next[i] = head;
            head = i;
        }

        return (heads, next);
    }

    /// <summary>The table indexes of all symbols of one name.</summary>
    internal struct NameEnumerator(ObjectSymbols symbols, string name, int head)
    {
        private int candidate = head;

        /// <summary>Index in the whole table.</summary>
        public int Current { get; private set; }

        /// <summary>Lets foreach take the enumerator itself.</summary>
        public readonly NameEnumerator GetEnumerator() => this;

        /// <summary>Goes to the next symbol of the name.</summary>
        public bool MoveNext()
        {
            while (candidate >= 0)
            {
                var at = candidate;
                candidate = symbols.names.Value.Next[at];
                if (symbols.table.HasName(symbols.start + at, name))
                {
                    Current = symbols.start + at;
                    return true;
                }
            }

            return false;
        }
    }
}
