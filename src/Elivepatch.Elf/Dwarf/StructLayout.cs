namespace Elivepatch.Elf.Dwarf;

/// <summary>How a struct, union or enum lies in memory. Two units that share data must agree on it.</summary>
public sealed class StructLayout
{
    /// <summary>Struct, union or enum.</summary>
    public LayoutKind Kind { get; init; }

    /// <summary>The tag, or the typedef's name where there is no tag; empty where there is neither.</summary>
    public required string Name { get; init; }

    /// <summary>True where the type has no tag and <see cref="Name"/> is a typedef's.</summary>
    public bool IsNamedByTypedef { get; init; }

    /// <summary>Where it is declared.</summary>
    public SourceLine Declared { get; init; }

    /// <summary>
    /// The function inside which the type is declared, or null. Equal names in different scopes are different types.
    /// </summary>
    public string? Scope { get; init; }

    /// <summary>
    /// The name that <see cref="DebugVariable.Storage"/> has for the type: <c>struct foo</c>, <c>typedef foo_t</c>.
    /// </summary>
    public string StorageName => IsNamedByTypedef ? $"typedef {Name}" : Spelling;

    /// <summary>How C calls the type, <c>struct foo</c> or <c>foo_t</c>.</summary>
    public string Spelling => IsNamedByTypedef ? Name : $"{Kind.ToString().ToLowerInvariant()} {Name}";

    /// <summary>Size in bytes.</summary>
    public long Size { get; init; }

    /// <summary>Members in order of declaration.</summary>
    public IReadOnlyList<LayoutMember> Members { get; init; } = [];

    /// <summary>
    /// In words, the first way in which this differs from what it was <paramref name="before"/>; null where it does not.
    /// </summary>
    public string? DifferenceFrom(StructLayout before)
    {
        if (Kind != before.Kind)
        {
            return $"it was a {before.Kind}, now it is a {Kind}";
        }

        var common = Math.Min(Members.Count, before.Members.Count);
        for (var i = 0; i < common; i++)
        {
            LayoutMember old = before.Members[i],
                now = Members[i];
            if (old == now)
            {
                continue;
            }

            if (old.Name != now.Name)
            {
                return $"member {i} was {old.Name}, now it is {now.Name}";
            }

            if (old.Type != now.Type)
            {
                return $"{now.Name} was of type {old.Type}, now of {now.Type}";
            }

            return Kind == LayoutKind.Enum
                ? $"{now.Name} was {old.Offset}, now it is {now.Offset}"
                : $"{now.Name} was {Place(old)}, now it is {Place(now)}";
        }
        if (Members.Count > common)
        {
            return $"{Members[common].Name} was added";
        }

        if (before.Members.Count > common)
        {
            return $"{before.Members[common].Name} was removed";
        }

        return Size == before.Size ? null : $"it took {before.Size} bytes, now {Size}";
    }

    /// <inheritdoc/>
    public override string ToString() => Spelling;

    private static string Place(LayoutMember member) =>
        member.BitSize == 0
            ? $"at byte {member.Offset}"
            : $"{member.BitSize} bits at byte {member.Offset}, bit {member.BitOffset}";
}
