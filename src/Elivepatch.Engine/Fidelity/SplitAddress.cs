// An instruction may be too short for an address: one then has its upper part and another one, or several, the lower. They need
// not stand beside each other; what they share is the symbol and the addend, so all that have both in one section tell one
// address.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Fidelity;

/// <summary>One address that a section refers to by fields that have parts of it.</summary>
internal sealed class SplitAddress
{
    private readonly List<(ElfRelocation Relocation, RelocationType Type, ulong Part)> fields = [];

    /// <summary>The first field.</summary>
    public ElfRelocation First => fields[0].Relocation;

    /// <summary>The address to which the linker bound the symbol; null where one of the parts is nowhere.</summary>
    public ulong? Bound =>
        PartOf(RelocationPart.High) is { } high && PartOf(RelocationPart.Low) is { } low
            ? unchecked(high + low - (ulong)First.Addend)
            : null;

    /// <summary>Adds a field.</summary>
    public void Add(ElfRelocation relocation, RelocationType type, ulong part) => fields.Add((relocation, type, part));

    /// <summary>The fields that are not what a linker writes for a symbol at this address.</summary>
    public IEnumerable<ElfRelocation> FieldsOtherThan(ulong symbol) =>
        fields.Where(f => f.Part != f.Type.PartOf(unchecked(symbol + (ulong)f.Relocation.Addend))).Select(f => f.Relocation);

    private ulong? PartOf(RelocationPart part)
    {
        foreach (var field in fields)
        {
            if (field.Type.Part == part)
            {
                return field.Part;
            }
        }

        return null;
    }
}

/// <summary>All of them of one section.</summary>
internal sealed class SplitAddresses
{
    private readonly Dictionary<(ElfSymbol? Symbol, long Addend), SplitAddress> byTarget = [];
    private readonly List<SplitAddress> inOrder = [];

    /// <summary>All of them, in the order of their first fields.</summary>
    public IReadOnlyList<SplitAddress> All => inOrder;

    /// <summary>Adds a field.</summary>
    /// <param name="relocation">Its relocation.</param>
    /// <param name="type">The relocation's type.</param>
    /// <param name="part">What the field has of the address.</param>
    public void Add(ElfRelocation relocation, RelocationType type, ulong part)
    {
        var key = (relocation.Symbol, relocation.Addend);
        if (!byTarget.TryGetValue(key, out var address))
        {
            byTarget.Add(key, address = new());
            inOrder.Add(address);
        }

        address.Add(relocation, type, part);
    }
}
