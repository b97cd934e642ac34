namespace Elivepatch.Engine.Facts;

/// <summary>One symbol of the running kernel, a line of <c>/proc/kallsyms</c>.</summary>
/// <param name="Name">Symbol name.</param>
/// <param name="Address">
/// Address in the running kernel; for a per-cpu datum of x86-64 before 6.15 its offset in the per-cpu area.
/// </param>
/// <param name="Type">
/// The letter of nm(1): <c>t</c> text, <c>d</c> data, <c>r</c> read-only, <c>b</c> zeroed, <c>w</c>/<c>v</c> weak, <c>a</c>
/// absolute, <c>?</c> unknown.
/// </param>
public readonly record struct KernelSymbol(string Name, ulong Address, char Type)
{
    /// <summary>True for an upper-case letter: the symbol is visible to all units.</summary>
    public bool IsGlobal => Type is >= 'A' and <= 'Z';

    /// <summary>True for code. A weak symbol does not say whether it is code or data.</summary>
    public bool IsText => Type is 'T' or 't';

    /// <inheritdoc/>
    public override string ToString() => $"{Address:x16} {Type} {Name}";
}
