namespace Elivepatch.Kernel.Patches;

/// <summary>A line of a hunk.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Text">
/// The line with its newline, one character a byte; without a newline only where it is the last of a file that ends so.
/// </param>
public readonly record struct HunkLine(HunkLineKind Kind, string Text);
