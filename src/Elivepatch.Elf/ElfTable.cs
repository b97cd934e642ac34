namespace Elivepatch.Elf;

/// <summary>
/// The tables that exist only to hold names and indexes. They are no sections of an <see cref="ElfObject"/>: the reader
/// dissolves them into the graph and the writer makes them anew. A section can still name one of them in <c>sh_link</c>.
/// </summary>
public enum ElfTable
{
    /// <summary>None of them.</summary>
    None,

    /// <summary>The symbol table, <c>.symtab</c>.</summary>
    Symbols,

    /// <summary>The names of symbols, <c>.strtab</c>.</summary>
    SymbolNames,

    /// <summary>The names of sections, <c>.shstrtab</c>.</summary>
    SectionNames,
}
