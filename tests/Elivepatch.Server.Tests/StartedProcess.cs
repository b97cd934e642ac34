using System.Globalization;

namespace Elivepatch.Server.Tests;

/// <summary>A process of this machine, told from a later one with the same id by when it was started.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">The name of its program.</param>
/// <param name="Started">When it was started, in the kernel's ticks.</param>
internal sealed record StartedProcess(int Id, string Name, long Started)
{
    /// <summary>True as long as it does anything: one that has ended and is not waited for does nothing.</summary>
    public bool Lives => Read(Id) is { } now && now.Process == this && now.State != 'Z';

    /// <summary>A process that runs.</summary>
    public static StartedProcess Of(int id) => Read(id)!.Value.Process;

    /// <summary>The processes below one, the youngest first.</summary>
    public static IReadOnlyList<StartedProcess> Below(int parent)
    {
        var all = Directory
            .EnumerateDirectories("/proc")
            .Select(p =>
                int.TryParse(Path.GetFileName(p), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? Read(id) : null
            )
            .OfType<(StartedProcess Process, int Parent, char State)>()
            .ToLookup(p => p.Parent, p => p.Process);
        return [.. AllOf(parent)];

        IEnumerable<StartedProcess> AllOf(int id) => all[id].SelectMany(child => AllOf(child.Id).Append(child));
    }

    // proc(5): id, name in parentheses, state, parent, ...; the start is field 22.
    private static (StartedProcess Process, int Parent, char State)? Read(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            var (open, close) = (text.IndexOf('(', StringComparison.Ordinal), text.LastIndexOf(')'));
            var fields = text[(close + 2)..].Split(' ');
            return (
                new(id, text[(open + 1)..close], long.Parse(fields[19], CultureInfo.InvariantCulture)),
                int.Parse(fields[1], CultureInfo.InvariantCulture),
                fields[0][0]
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
