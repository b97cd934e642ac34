namespace Elivepatch.Elf.Dwarf;

/// <summary>What kind of type has a layout.</summary>
public enum LayoutKind
{
    /// <summary><c>struct</c>.</summary>
    Struct,

    /// <summary><c>union</c>.</summary>
    Union,

    /// <summary><c>enum</c>.</summary>
    Enum,
}
