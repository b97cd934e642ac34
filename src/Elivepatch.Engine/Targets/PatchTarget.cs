// What a function lives in, and so what a livepatch patches as one object: its name, its symbols in the order in which the kernel
// counts positions, its bytes, and what its link did. Everything that depends on that is asked here.
using Elivepatch.Engine.Facts;

namespace Elivepatch.Engine.Targets;

/// <summary>An object of the running kernel that can be patched.</summary>
public abstract class PatchTarget
{
    /// <summary>Its name, as the livepatch core calls it in symbols and sections.</summary>
    public abstract string ObjectName { get; }

    /// <summary>What <c>struct klp_object</c> has as its name; null where it has none.</summary>
    public abstract string? ListedName { get; }

    /// <summary>Its symbols, in the order in which positions count.</summary>
    public abstract ObjectSymbols Symbols { get; }

    /// <summary>Its bytes as they were linked; null where nobody has them.</summary>
    public abstract KernelImage? Image { get; }

    /// <summary>What its link did.</summary>
    public abstract LinkRules Rules { get; }

    /// <summary>
    /// Which of several symbols of this name lies at this address, as the livepatch core counts when it looks for it. Null where
    /// the object has none, and where the count is another one at another time.
    /// </summary>
    public virtual Sympos? PositionOf(string name, ulong address) => Symbols.PositionOf(name, address);

    /// <summary>The addresses that a unit's reference to a symbol which it does not define may lead to.</summary>
    public virtual IEnumerable<ulong> DefinitionsOf(string name) =>
        Symbols.EachNamed(name).Where(s => s.IsGlobal).Select(s => s.Address);

    /// <summary>What kind of memory an address of it is, as its symbols give addresses.</summary>
    public abstract MemoryKind KindOf(ulong address);

    /// <inheritdoc/>
    public override string ToString() => ObjectName;
}
