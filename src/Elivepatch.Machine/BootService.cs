// In: how the machine is started. Out: what its init system runs at boot to load livepatches. Only files are written, so that it
// works in a root folder in which no init system runs.

using System.Text;
using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>
/// What an init system runs at boot to load livepatches: one file, one link that enables it, and what makes others wait for it.
/// </summary>
public abstract class BootService(MachineFiles files)
{
    private const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private const UnixFileMode Executable =
        Readable | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>The service of a machine: for OpenRC where that is running and systemd is not, else for systemd.</summary>
    public static BootService Of(MachineAccess machine) =>
        machine.Variable("ELIVEPATCH_UNIT_FOLDER") is { Length: > 0 } own ? new SystemdUnit(machine.Files, own)
        : machine.Files.HasFolder("run/openrc") && !machine.Files.HasFolder("run/systemd/system")
            ? new OpenRcService(machine.Files, machine.Files.PathOf("etc/init.d"), machine.Files.PathOf("etc/runlevels"))
        : new SystemdUnit(machine.Files, machine.Files.PathOf("etc/systemd/system"));

    /// <summary>Its file.</summary>
    public abstract string FullPath { get; }

    /// <summary>True where it is there and enabled.</summary>
    public bool IsInstalled => File.Exists(FullPath) && LinkPaths.Any(p => new FileInfo(p).LinkTarget is not null);

    /// <summary>The links that enable it or its predecessors.</summary>
    protected abstract IReadOnlyList<string> LinkPaths { get; }

    /// <summary>Files in folders of their own that make others wait for it.</summary>
    protected virtual IReadOnlyList<string> DropInPaths => [];

    /// <summary>Writes and enables it.</summary>
    /// <param name="command">Path of the command that it runs.</param>
    /// <param name="stateFolder">Where the command keeps what is to be loaded.</param>
    public Outcome<BootPlace> Install(string command, string stateFolder)
    {
        var folder = Path.GetDirectoryName(FullPath)!;
        if (!Directory.Exists(folder))
        {
            return new Problem(
                MachineProblems.BootLoadingImpossible,
                $"{folder} does not exist: is this machine booted by systemd or OpenRC?"
            );
        }

        if (Path.GetFileName(command) == "dotnet" || !IsPlain(command) || !IsPlain(stateFolder))
        {
            return new Problem(
                MachineProblems.BootLoadingImpossible,
                $"a service cannot run {command} with {stateFolder}: put the published command into a directory with a plain name, such as /usr/local/sbin"
            );
        }

        // Where the way to a file has a .. in it, that is not on the way.
        (command, stateFolder) = (Path.GetFullPath(command), Path.GetFullPath(stateFolder));
        var mounts = MountPoints.Read(files);
        if (new[] { command, stateFolder }.FirstOrDefault(p => mounts.NetworkTypeOf(p) is not null) is { } remote)
        {
            return new Problem(
                MachineProblems.BootLoadingImpossible,
                $"{remote} is on a file system of the network ({mounts.NetworkTypeOf(remote)}), which comes after the network: put it on a local one"
            );
        }

        var plan = Plan(command, stateFolder, mounts);
        var problem = Try(() =>
        {
            DurableFile.Write(FullPath, Encoding.UTF8.GetBytes(plan.Text), plan.IsScript ? Executable : Readable);
            foreach (var former in LinkPaths.Where(p => p != plan.LinkPath))
            {
                Delete(former);
            }

            foreach (var former in DropInPaths.Where(p => !plan.DropIns.ContainsKey(p)))
            {
                DeleteDropIn(former);
            }

            foreach (var (path, text) in plan.DropIns)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                DurableFile.Write(path, Encoding.UTF8.GetBytes(text), Readable);
            }

            Directory.CreateDirectory(Path.GetDirectoryName(plan.LinkPath)!);
            if (new FileInfo(plan.LinkPath).LinkTarget is null)
            {
                File.CreateSymbolicLink(plan.LinkPath, plan.LinkTarget);
            }
        });
        return problem is null ? plan.Place : problem;
    }

    /// <summary>Disables and removes it.</summary>
    public Problem? Remove() =>
        Try(() =>
        {
            foreach (var path in LinkPaths.Append(FullPath))
            {
                Delete(path);
            }

            foreach (var path in DropInPaths)
            {
                DeleteDropIn(path);
            }
        });

    /// <summary>What is written.</summary>
    protected abstract ServicePlan Plan(string command, string stateFolder, MountPoints mounts);

    // What an init system would read as a specifier, a variable or the end of a word is refused instead of quoted.
    private static bool IsPlain(string path) =>
        Path.IsPathRooted(path) && path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or '+');

    private static void Delete(string path)
    {
        if (Directory.Exists(Path.GetDirectoryName(path)))
        {
            File.Delete(path);
        }
    }

    private static void DeleteDropIn(string path)
    {
        Delete(path);
        // An administrator may have put something of their own there.
        var folder = Path.GetDirectoryName(path)!;
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }

    private static Problem? Try(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(MachineProblems.BootLoadingImpossible, e.Message);
        }
    }

    /// <summary>What an init system is given.</summary>
    /// <param name="Place">When it runs.</param>
    /// <param name="Text">The file.</param>
    /// <param name="IsScript">True where the file is run itself.</param>
    /// <param name="LinkPath">The link that enables it.</param>
    /// <param name="LinkTarget">Where the link leads.</param>
    protected sealed record ServicePlan(BootPlace Place, string Text, bool IsScript, string LinkPath, string LinkTarget)
    {
        /// <summary>Texts of files that make others wait for it, by path.</summary>
        public IReadOnlyDictionary<string, string> DropIns { get; init; } = new Dictionary<string, string>();
    }
}

/// <summary>When livepatches are loaded at boot. A module that is loaded earlier is patched when they are.</summary>
public enum BootPlace
{
    /// <summary>Before udev and what loads modules by a list.</summary>
    BeforeModules,

    /// <summary>After the local file systems are mounted: what is to be loaded is on one of them.</summary>
    AfterFileSystems,
}
