namespace Elivepatch.Engine.Architectures;

/// <summary>
/// The sections of object files that come from the files of one processor (<c>arch/*/include</c>, its linker script), beside
/// those that all kernels have.
/// </summary>
internal sealed class SectionTable
{
    /// <summary>Tables whose entries belong to one place in one function.</summary>
    public IReadOnlySet<string> Tables { get; init; } = new HashSet<string>();

    /// <summary>Lists that are read while the kernel starts.</summary>
    public IReadOnlySet<string> Registries { get; init; } = new HashSet<string>();

    /// <summary>Code with functions.</summary>
    public IReadOnlySet<string> Code { get; init; } = new HashSet<string>();

    /// <summary>Code that a table or a jump brings in, without functions.</summary>
    public IReadOnlySet<string> Replacements { get; init; } = new HashSet<string>();

    /// <summary>Those of the replacements that code of many functions lies in, one after the other.</summary>
    public IReadOnlySet<string> Outlines { get; init; } = new HashSet<string>();

    /// <summary>Those of the tables that list instructions which the kernel rewrites when it loads them.</summary>
    public IReadOnlySet<string> RewrittenSites { get; init; } = new HashSet<string>();

    /// <summary>
    /// Name of the table of calls that may have to be counted: an entry whose call leads nowhere yet is not to be there. Null
    /// where there is none.
    /// </summary>
    public string? CallSites { get; init; }

    /// <summary>Notes for unwinders and debuggers.</summary>
    public IReadOnlySet<string> Ignored { get; init; } = new HashSet<string>();
}
