// In: /proc/self/mountinfo. Out: on which of the mounted file systems a path is.

using System.Globalization;
using System.Text.RegularExpressions;

namespace Elivepatch.Machine;

/// <summary>Where file systems are mounted.</summary>
public sealed partial class MountPoints
{
    // mountinfo: identifier, parent, device, root within it, mount point, ... (Documentation/filesystems/proc.rst, 3.5).
    private const int PlaceField = 4;

    // Behind a dash are the type, the source and more.
    private const string Separator = "-";

    private static readonly string[] network =
    [
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.sshfs",
        "glusterfs",
        "gfs2",
        "lustre",
        "ncp",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
    ];

    // The last one that is mounted at a place hides those before it.
    private readonly Dictionary<string, string> types = new(StringComparer.Ordinal);

    private MountPoints(IEnumerable<(string Place, string Type)> mounts)
    {
        foreach (var (place, type) in mounts)
        {
            types[place] = type;
        }
    }

    /// <summary>Reads those that the process sees; none where /proc is not there.</summary>
    public static MountPoints Read(MachineFiles files) =>
        new(
            files
                .ReadLines("proc/self/mountinfo")
                .Select(l => l.Split(' '))
                .Where(f => f.Length > PlaceField)
                .Select(f => (Unescape(f[PlaceField]), f.SkipWhile(w => w != Separator).ElementAtOrDefault(1) ?? ""))
        );

    /// <summary>
    /// True where a path is known to be on the root file system: no other one is mounted on its way, and it leads over no link.
    /// </summary>
    /// <param name="path">An absolute path.</param>
    public bool IsOnRoot(string path)
    {
        for (var at = Path.TrimEndingDirectorySeparator(path); at is { Length: > 1 }; at = Path.GetDirectoryName(at))
        {
            if (types.ContainsKey(at) || new FileInfo(at).LinkTarget is not null)
            {
                return false;
            }
        }

        return types.ContainsKey("/");
    }

    /// <summary>
    /// The type of the file system that a path is on, where that comes over the network; null where it is local or not known.
    /// </summary>
    /// <param name="path">An absolute path.</param>
    public string? NetworkTypeOf(string path)
    {
        for (var at = Path.TrimEndingDirectorySeparator(path); at is not null; at = Path.GetDirectoryName(at))
        {
            if (types.TryGetValue(at, out var type))
            {
                return network.Contains(type) ? type : null;
            }
        }

        return null;
    }

    // White space and the backslash are octal.
    private static string Unescape(string place) =>
        Octal().Replace(place, m => ((char)Convert.ToInt32(m.Groups[1].Value, 8)).ToString(CultureInfo.InvariantCulture));

    [GeneratedRegex(@"\\([0-7]{3})")]
    private static partial Regex Octal();
}
