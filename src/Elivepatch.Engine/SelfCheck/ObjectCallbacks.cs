namespace Elivepatch.Engine.SelfCheck;

/// <summary>The callbacks of one object (<c>struct klp_callbacks</c>), by symbol name; null where there is none.</summary>
/// <param name="PrePatch">Before patching.</param>
/// <param name="PostPatch">After patching.</param>
/// <param name="PreUnpatch">Before unpatching.</param>
/// <param name="PostUnpatch">After unpatching.</param>
public sealed record ObjectCallbacks(string? PrePatch, string? PostPatch, string? PreUnpatch, string? PostUnpatch);
