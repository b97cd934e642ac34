using Elivepatch.Elf;

namespace Elivepatch.Engine.Escape;

/// <summary>Something of the module that an address can lead to: a function, a datum, a literal. Compared by identity.</summary>
internal sealed class OwnAddress(AddressKind kind, string name, ElfSection section, ulong start, ulong end)
{
    private bool? leadsOn;

    public AddressKind Kind => kind;

    /// <summary>Name for people.</summary>
    public string Name => name;

    public ElfSection Section => section;

    /// <summary>First byte, as an offset in the section.</summary>
    public ulong Start => start;

    /// <summary>First byte behind it.</summary>
    public ulong End => end;

    /// <summary>
    /// False for what the module loader or the livepatch core takes back when the module goes, and for what nobody can follow: a
    /// place inside a function (the kernel keeps those for messages, <c>_THIS_IP_</c>), a datum without a byte.
    /// </summary>
    public bool Counts { get; init; } = true;

    /// <summary>True for the module's <c>struct module</c>.</summary>
    public bool IsThisModule { get; init; }

    /// <summary>What the addresses in it lead to, those that code of the module stores there included.</summary>
    public HashSet<OwnAddress> Contents { get; } = [];

    /// <summary>Adds to <see cref="Contents"/>; true where that is news.</summary>
    public bool Hold(IEnumerable<OwnAddress> more)
    {
        var before = Contents.Count;
        Contents.UnionWith(more);
        leadsOn = Contents.Count > before ? null : leadsOn;
        return Contents.Count > before;
    }

    /// <summary>
    /// True where a callee that keeps the address would keep something other than a constant: a function, a variable, or a table
    /// that leads to one.
    /// </summary>
    public bool CountsWhenPassed => Counts && (kind is AddressKind.Function or AddressKind.Data || LeadsOn());

    private bool LeadsOn()
    {
        if (leadsOn is { } known)
            return known;
        var seen = new HashSet<OwnAddress> { this };
        var open = new Queue<OwnAddress>(Contents);
        while (open.TryDequeue(out var next))
        {
            if (!seen.Add(next) || !next.Counts)
                continue;
            if (next.Kind is AddressKind.Function or AddressKind.Data)
                return (leadsOn = true).Value;
            foreach (var held in next.Contents)
                open.Enqueue(held);
        }

        return (leadsOn = false).Value;
    }

    public override string ToString() => name;
}
