using Elivepatch.Elf;

namespace Elivepatch.Engine.Link;

/// <summary>The module before the kernel's own tools have seen it.</summary>
/// <param name="Object">The object file.</param>
/// <param name="Aliases">
/// Undefined symbols that stand for livepatch symbols. Objtool knows some functions by their names (those that never return,
/// static call keys), so the final names come after it.
/// </param>
/// <param name="NewFunctions">Symbols of the glue that stand for new functions: the section and symbol they mean.</param>
public sealed record CombinedModule(
    ElfObject Object,
    IReadOnlyDictionary<string, LivepatchUse> Aliases,
    IReadOnlyDictionary<string, (string Section, string Symbol)> NewFunctions
);
