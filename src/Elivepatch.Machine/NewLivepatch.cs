namespace Elivepatch.Machine;

/// <summary>A livepatch that was fetched and checked, and is to be made live.</summary>
/// <param name="Livepatch">What is remembered of it.</param>
/// <param name="Patches">Contents of its patches, in order.</param>
/// <param name="Module">The module.</param>
/// <param name="Manifest">Its manifest.</param>
/// <param name="Issued">When the manifest was issued.</param>
/// <param name="CountsAnew">True where later ones may be older than what was accepted before this one.</param>
public sealed record NewLivepatch(
    OwnLivepatch Livepatch,
    IReadOnlyList<byte[]> Patches,
    byte[] Module,
    byte[] Manifest,
    DateTimeOffset Issued,
    bool CountsAnew
);
