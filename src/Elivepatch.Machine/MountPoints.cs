// In: /proc/self/mountinfo. Out: on which of the mounted file systems a path is.

using System.Globalization;
using System.Text.RegularExpressions;

namespace Elivepatch.Machine;

/// <summary>Where file systems are mounted.</summary>
public sealed partial class MountPoints
{
    // mountinfo: identifier, parent, device, root within it, mount point, ... (Documentation/filesystems/proc.rst, 3.5).
    private const int PlaceField = 4;

    private readonly HashSet<string> places;

    private MountPoints(IEnumerable<string> places) => this.places = places.ToHashSet(StringComparer.Ordinal);

    /// <summary>Reads those that the process sees; none where /proc is not there.</summary>
    public static MountPoints Read(MachineFiles files) =>
        new(
            files
                .ReadLines("proc/self/mountinfo")
                .Select(l => l.Split(' '))
                .Where(f => f.Length > PlaceField)
                .Select(f => Unescape(f[PlaceField]))
        );

    /// <summary>
    /// True where a path is known to be on the root file system: no other one is mounted on its way, and it leads over no link.
    /// </summary>
    /// <param name="path">An absolute path.</param>
    public bool IsOnRoot(string path)
    {
        for (var at = Path.TrimEndingDirectorySeparator(path); at is { Length: > 1 }; at = Path.GetDirectoryName(at))
        {
            if (places.Contains(at) || new FileInfo(at).LinkTarget is not null)
            {
                return false;
            }
        }

        return places.Contains("/");
    }

    // White space and the backslash are octal.
    private static string Unescape(string place) =>
        Octal().Replace(place, m => ((char)Convert.ToInt32(m.Groups[1].Value, 8)).ToString(CultureInfo.InvariantCulture));

    [GeneratedRegex(@"\\([0-7]{3})")]
    private static partial Regex Octal();
}
