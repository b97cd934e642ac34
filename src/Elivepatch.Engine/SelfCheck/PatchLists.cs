namespace Elivepatch.Engine.SelfCheck;

/// <summary>What the lists of a module say, whatever their form.</summary>
/// <param name="Form">Which form it was.</param>
/// <param name="Replace">True for a cumulative livepatch; null where code decides when it loads.</param>
/// <param name="Objects">The objects.</param>
/// <param name="AreTerminated">Whether a zero entry ends the list of objects; null where that cannot be seen.</param>
internal sealed record PatchLists(PatchForm Form, bool? Replace, IReadOnlyList<PatchedObject> Objects, bool? AreTerminated);
