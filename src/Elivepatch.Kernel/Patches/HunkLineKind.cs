namespace Elivepatch.Kernel.Patches;

/// <summary>What a line of a hunk does.</summary>
public enum HunkLineKind
{
    /// <summary>The line is there before and after.</summary>
    Context,

    /// <summary>The line is there before.</summary>
    Removed,

    /// <summary>The line is there after.</summary>
    Added,
}
