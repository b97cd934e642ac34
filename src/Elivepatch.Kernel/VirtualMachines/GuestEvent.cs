namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Something that the guest told.</summary>
/// <param name="Uptime">Seconds since the guest's kernel started; zero for output, which has no time.</param>
/// <param name="Words">The event's words, the first of them its name; or null for a line of output.</param>
/// <param name="Text">The words as one line, or the line of output.</param>
public sealed record GuestEvent(double Uptime, IReadOnlyList<string>? Words, string Text)
{
    /// <summary>A line that a script printed.</summary>
    public bool IsOutput => Words is null;

    /// <summary>The event's name, empty for output.</summary>
    public string Name => Words?[0] ?? "";

    /// <summary>A word of the event, empty where it has fewer.</summary>
    public string Word(int index) => Words is not null && index < Words.Count ? Words[index] : "";

    /// <summary>The rest of the line from a word on.</summary>
    public string Rest(int index) => Words is null ? "" : string.Join(' ', Words.Skip(index));
}
