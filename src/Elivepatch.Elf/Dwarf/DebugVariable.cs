namespace Elivepatch.Elf.Dwarf;

/// <summary>A variable with static storage that this unit defines.</summary>
public sealed class DebugVariable
{
    /// <summary>Name in the source; the symbol of a static local has a number behind it.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// The function whose static local this is, wherever that was inlined to; null at file scope. Never an instance.
    /// </summary>
    public DebugFunction? Owner { get; init; }

    /// <summary>Where it is declared.</summary>
    public SourceLine Declared { get; init; }

    /// <summary>True unless <c>static</c>.</summary>
    public bool IsExternal { get; init; }

    /// <summary>Type, spelled as in <see cref="LayoutMember.Type"/>.</summary>
    public required string Type { get; init; }

    /// <summary>
    /// Names how structs, unions and enums that the variable holds lie in memory, those inside of them too: equal texts mean
    /// equal layouts. Empty where it holds none.
    /// </summary>
    public required string ValueLayout { get; init; }

    /// <summary>
    /// What its bits mean: the type without qualifiers, numbers by kind and size (<c>unsigned of 8 bytes</c>), pointers by what
    /// they point at, what has a name by that. Equal texts mean the same as long as what has a name lies the same.
    /// </summary>
    public required string Storage { get; init; }

    /// <summary>
    /// The layout of the struct, union or enum that the variable holds, or is an array of, where its type has no name or one
    /// inside of a function; else null.
    /// </summary>
    public StructLayout? Unnamed { get; init; }

    /// <summary>Where it lives.</summary>
    public SectionLocation Location { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Owner is null ? Name : $"{Owner.Name}.{Name}";
}
