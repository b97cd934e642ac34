using Elivepatch.Elf;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Engine.Escape;

/// <summary>Something of the module that an address can lead to: a function, a datum, a literal. Compared by identity.</summary>
internal sealed class OwnAddress(AddressKind kind, string name, ElfSection section, ulong start)
{
    public AddressKind Kind => kind;

    /// <summary>Name for people.</summary>
    public string Name => name;

    public ElfSection Section => section;

    /// <summary>First byte, as an offset in the section.</summary>
    public ulong Start => start;

    /// <summary>
    /// False for what the module loader or the livepatch core takes back when the module goes, and for what nobody can follow: a
    /// place inside a function (the kernel keeps those for messages, <c>_THIS_IP_</c>), a datum without a byte.
    /// </summary>
    public bool CountsAsEscape { get; init; } = true;

    /// <summary>
    /// True for the stack frame of a function of the module. It is gone with the call, but what it holds may be read through its
    /// address by whoever gets that.
    /// </summary>
    public bool IsFrame { get; init; }

    /// <summary>True for the module's <c>struct module</c>.</summary>
    public bool IsThisModule { get; init; }

    /// <summary>Whether a copy of it is as good: text.</summary>
    public bool IsText => kind is AddressKind.Literal;

    /// <summary>What the addresses in it lead to, those that code of the module stores there included.</summary>
    public HashSet<OwnAddress> Contents { get; } = [];

    /// <summary>Adds to <see cref="Contents"/>; true where that is news.</summary>
    public bool AddContents(IEnumerable<OwnAddress> more)
    {
        var before = Contents.Count;
        Contents.UnionWith(more);
        return Contents.Count > before;
    }

    /// <summary>For a frame what it holds, and what the frames hold to which an address in it leads.</summary>
    public IEnumerable<OwnAddress> FindFrameContents()
    {
        var seen = new HashSet<OwnAddress> { this };
        var open = new Queue<OwnAddress>([this]);
        while (open.TryDequeue(out var next))
        {
            foreach (var held in next.Contents.Where(seen.Add))
            {
                if (held.IsFrame)
                {
                    open.Enqueue(held);
                }
                else
                {
                    yield return held;
                }
            }
        }
    }

    public override string ToString() => name;
}
