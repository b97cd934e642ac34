using System.Globalization;

namespace Elivepatch.Engine.Facts;

/// <summary>
/// Which of several symbols of one name in one object is meant, as <c>old_sympos</c> and <c>.klp.sym.</c> names say it: 0 for a
/// name that exists once, else 1-based, in address order for vmlinux and in symbol table order for a module
/// (<c>Documentation/livepatch/module-elf-format.rst</c>).
/// </summary>
/// <param name="Value">0, or the 1-based position.</param>
public readonly record struct Sympos(int Value)
{
    /// <summary>The only symbol of its name.</summary>
    public static Sympos Unique => default;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
