namespace Elivepatch.Kernel.Patches;

/// <summary>One place that a patch changes.</summary>
/// <param name="Header">Its <c>@@</c> line.</param>
/// <param name="OldStart">First line of the place before, from 1; 0 in a file that is new.</param>
/// <param name="Lines">Its lines.</param>
public sealed record PatchHunk(string Header, int OldStart, IReadOnlyList<HunkLine> Lines)
{
    /// <summary>The lines of the place before.</summary>
    public IEnumerable<string> Before => Lines.Where(l => l.Kind != HunkLineKind.Added).Select(l => l.Text);

    /// <summary>The lines of the place after.</summary>
    public IEnumerable<string> After => Lines.Where(l => l.Kind != HunkLineKind.Removed).Select(l => l.Text);

    /// <summary>The hunk as the patch has it, for a message.</summary>
    public string Text => Header + "\n" + string.Concat(Lines.Select(l => Mark(l.Kind) + l.Text.TrimEnd('\n') + "\n"));

    private static char Mark(HunkLineKind kind) =>
        kind switch
        {
            HunkLineKind.Added => '+',
            HunkLineKind.Removed => '-',
            _ => ' ',
        };
}
