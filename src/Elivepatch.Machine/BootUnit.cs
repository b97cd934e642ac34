// In: where the command and its state are. Out: the systemd unit that loads livepatches at boot, enabled as `systemctl enable`
// would: a link in multi-user.target.wants. Nothing but files is touched, so it works while systemd does not run.

using System.Text;
using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>The unit <c>elivepatch.service</c>.</summary>
public sealed class BootUnit(string folder)
{
    /// <summary>Its name.</summary>
    public const string Name = "elivepatch.service";

    private const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>The folder of a machine: <c>$ELIVEPATCH_UNIT_FOLDER</c>, else the machine's own.</summary>
    public static BootUnit Of(MachineAccess machine) =>
        new(machine.Variable("ELIVEPATCH_UNIT_FOLDER") is { Length: > 0 } own ? own : machine.Files.PathOf("etc/systemd/system"));

    /// <summary>The unit's file.</summary>
    public string FullPath => Path.Combine(folder, Name);

    private string WantedPath => Path.Combine(folder, "multi-user.target.wants", Name);

    /// <summary>True where it is there and enabled.</summary>
    public bool IsInstalled => File.Exists(FullPath) && new FileInfo(WantedPath).LinkTarget is not null;

    /// <summary>Writes and enables it.</summary>
    public Problem? Install(string command, string stateFolder)
    {
        if (!Directory.Exists(folder))
        {
            return new(MachineProblems.BootLoadingImpossible, $"{folder} does not exist: is this machine booted by systemd?");
        }

        if (Path.GetFileName(command) == "dotnet" || !IsPlain(command) || !IsPlain(stateFolder))
        {
            return new(
                MachineProblems.BootLoadingImpossible,
                $"a unit cannot run {command} with {stateFolder}: put the published command into a directory with a plain name, such as /usr/local/sbin"
            );
        }

        return Try(() =>
        {
            DurableFile.Write(FullPath, Encoding.UTF8.GetBytes(Text(command, stateFolder)), Readable);
            Directory.CreateDirectory(Path.GetDirectoryName(WantedPath)!);
            if (new FileInfo(WantedPath).LinkTarget is null)
            {
                File.CreateSymbolicLink(WantedPath, $"../{Name}");
            }
        });
    }

    /// <summary>Disables and removes it.</summary>
    public Problem? Remove() =>
        Try(() =>
        {
            if (!Directory.Exists(folder))
            {
                return;
            }

            File.Delete(WantedPath);
            File.Delete(FullPath);
        });

    /// <summary>
    /// The unit. The service counts as started when the livepatches are live, and then waits to see that the machine stays up.
    /// </summary>
    public static string Text(string command, string stateFolder) =>
        $"""
            # Written by `elivepatch persist`, removed by `elivepatch persist --off`. `elivepatch=off` on the kernel's command line
            # leaves livepatches out of one boot.

            [Unit]
            Description=Load the livepatches of the running kernel
            ConditionKernelCommandLine=!elivepatch=off
            ConditionPathExists=/sys/kernel/livepatch
            RequiresMountsFor={stateFolder}
            After=local-fs.target
            Before=network.target

            [Service]
            Type=notify
            NotifyAccess=main
            Environment=ELIVEPATCH_STATE={stateFolder}
            ExecStart={command} load-persisted
            TimeoutStartSec=5min
            SuccessExitStatus=143

            [Install]
            WantedBy=multi-user.target

            """;

    // What systemd would read as a specifier, a variable or the end of a word is refused instead of quoted.
    private static bool IsPlain(string path) =>
        Path.IsPathRooted(path) && path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-' or '+');

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
}
