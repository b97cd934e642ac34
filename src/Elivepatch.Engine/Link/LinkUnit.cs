using Elivepatch.Engine.Diff;
using Elivepatch.Engine.Fidelity;

namespace Elivepatch.Engine.Link;

/// <summary>One unit ready to be linked: what it brings and where the rest of it is in the running kernel.</summary>
/// <param name="Inclusion">Pieces to copy.</param>
/// <param name="Placement">Places of the unit's symbols in the running kernel.</param>
public sealed record LinkUnit(Inclusion Inclusion, UnitPlacement Placement);
