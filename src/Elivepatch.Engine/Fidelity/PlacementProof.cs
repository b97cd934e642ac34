namespace Elivepatch.Engine.Fidelity;

/// <summary>How well it is proven that a section of the unit is what runs, from nothing to everything.</summary>
public enum PlacementProof
{
    /// <summary>Its place is not known: it has no symbols and nothing that was compared refers to it.</summary>
    None,

    /// <summary>
    /// All its symbols are in the running kernel at its offsets; it has no bytes, or none could be had to compare.
    /// </summary>
    Layout,

    /// <summary>Every byte is equal, every relocated field leads where the relocation says.</summary>
    Bytes,
}
