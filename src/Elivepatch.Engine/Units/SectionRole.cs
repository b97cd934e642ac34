namespace Elivepatch.Engine.Units;

/// <summary>What a section of an object file is to the diff.</summary>
public enum SectionRole
{
    /// <summary>Not part of the running kernel: debug information, notes, comments.</summary>
    Ignored,

    /// <summary>Functions.</summary>
    Code,

    /// <summary>Code that is used only while the kernel starts, and its data.</summary>
    Init,

    /// <summary>Variables and constants with names.</summary>
    Data,

    /// <summary>Mergeable strings and constants: known by content only.</summary>
    Literal,

    /// <summary>A table with one entry for a place in a function, such as <c>__bug_table</c>.</summary>
    Table,

    /// <summary>Code that a table entry or a jump brings in, such as <c>.altinstr_replacement</c>.</summary>
    Replacement,

    /// <summary>A list that the kernel reads while it starts, such as initcalls or exports; not about single functions.</summary>
    Registry,

    /// <summary>Lists of BTF ids: zeroes whose meaning is in the names of symbols at them, see <see cref="BtfIdList"/>.</summary>
    IdList,

    /// <summary>Nothing that this engine knows: to copy or to drop it would be a guess.</summary>
    Unknown,
}
