namespace Elivepatch.Kernel.Patches;

/// <summary>What a patch does to a file.</summary>
public enum PatchedFileKind
{
    /// <summary>It changes lines of it.</summary>
    Changed,

    /// <summary>It creates it.</summary>
    Added,

    /// <summary>It deletes it.</summary>
    Removed,
}
