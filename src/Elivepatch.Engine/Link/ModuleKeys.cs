using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Units;

namespace Elivepatch.Engine.Link;

/// <summary>
/// Static branches on keys that modules have. The table of a livepatch's branches is read when it is loaded
/// (<c>jump_label_add_module()</c>), before the livepatch core has resolved anything of a module: such an entry would name no
/// key, and its branch would never turn.
/// </summary>
/// <param name="Variable">The variable that is or has the key.</param>
/// <param name="Displacement">
/// What the entry adds to its address: the place of the key in it, and in the lowest bit whether the branch is likely
/// (<c>jump_entry_is_branch()</c> of <c>include/linux/jump_label.h</c>).
/// </param>
internal sealed record ModuleKey(KernelReference Variable, long Displacement)
{
    // DEFINE_TRACE() of include/linux/tracepoint.h.
    private const string TracepointPrefix = "__tracepoint_";

    /// <summary>Name of the module.</summary>
    public string Module => Variable.Module!;

    /// <summary>
    /// Name of the tracepoint that the branch leads to; null for other branches. Without it the code does the same, and nobody
    /// sees it.
    /// </summary>
    public string? Tracepoint =>
        Variable.Name.StartsWith(TracepointPrefix, StringComparison.Ordinal) && (Displacement & 1) == 0
            ? Variable.Name[TracepointPrefix.Length..]
            : null;
}

/// <summary>Finds them.</summary>
internal static class ModuleKeys
{
    /// <summary>The key of an entry of <c>__jump_table</c> where a module has it, else null.</summary>
    public static ModuleKey? Of(TableEntry entry, LinkUnit unit, ReferenceResolver resolver) =>
        (entry.Table.Name == SectionRules.JumpTable ? entry.References : [])
            .Where(r => unit.Inclusion.DestinationOfEntry(r) == Destination.Kernel)
            .Select(r => (Key: resolver.Find(r, unit), r.Displacement))
            .Where(r => r.Key?.Module is not null)
            .Select(r => new ModuleKey(r.Key!, r.Displacement))
            .FirstOrDefault();
}
