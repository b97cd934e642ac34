namespace Elivepatch.Engine.SelfCheck;

/// <summary>How a module lists what it patches.</summary>
public enum PatchForm
{
    /// <summary>A <c>struct klp_patch</c> in its data, as this program's own modules and those written by hand.</summary>
    Static,

    /// <summary>kpatch-build: section <c>.kpatch.funcs</c>, from which code makes the lists when the module loads.</summary>
    KpatchSections,

    /// <summary>klp-build: section <c>.init.klp_objects</c> (first <c>__klp_objects</c>), likewise.</summary>
    KlpBuildSections,
}
