// In: where the command and its state are. Out: the systemd unit that loads livepatches at boot, enabled as `systemctl enable`
// would: a link in the folder of the target that wants it.

namespace Elivepatch.Machine;

/// <summary>The unit <c>elivepatch.service</c>.</summary>
public sealed class SystemdUnit(MachineFiles files, string folder) : BootService(files)
{
    /// <summary>Its name.</summary>
    public const string Name = "elivepatch.service";

    private const string EarlyTarget = "sysinit.target";
    private const string LateTarget = "multi-user.target";

    // Nothing has to be mounted for what is on the root file system; it has to be writable, for an attempt to load is recorded
    // before it is made. A unit without default dependencies says itself that it ends before the machine goes down.
    private const string Early = """
        DefaultDependencies=no
        After=systemd-remount-fs.service
        Before=systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service sysinit.target
        Conflicts=shutdown.target
        Before=shutdown.target
        """;

    // Mounts and other early units ask for modules by instances of this template, which systemd orders before sysinit.target
    // alone. A unit cannot name all instances of a template in its Before=; a template can name a unit in its After=.
    private const string Loaders = """
        # Written by `elivepatch persist`, removed by `elivepatch persist --off`.
        # Livepatches are loaded before the modules that they patch.

        [Unit]
        After=elivepatch.service

        """;

    /// <inheritdoc/>
    public override string FullPath => Path.Combine(folder, Name);

    /// <inheritdoc/>
    protected override IReadOnlyList<string> LinkPaths => [LinkPath(EarlyTarget), LinkPath(LateTarget)];

    /// <inheritdoc/>
    protected override IReadOnlyList<string> DropInPaths => [LoadersPath];

    private string LoadersPath => Path.Combine(folder, "modprobe@.service.d", "elivepatch.conf");

    /// <summary>
    /// The unit. The service counts as started when the livepatches are live, and then sees that the machine stays up.
    /// </summary>
    protected override ServicePlan Plan(string command, string stateFolder, MountPoints mounts)
    {
        // A file system of its own is mounted when udev has found its device: to be ordered before udev would be a circle.
        var isEarly = mounts.IsOnRoot(command) && mounts.IsOnRoot(stateFolder);
        var target = isEarly ? EarlyTarget : LateTarget;
        var late = $"""
            RequiresMountsFor={stateFolder} {command}
            After=local-fs.target
            Before=network.target
            """;
        var text = $"""
            # Written by `elivepatch persist`, removed by `elivepatch persist --off`. `elivepatch=off` on the kernel's command line
            # leaves livepatches out of one boot.

            [Unit]
            Description=Load the livepatches of the running kernel
            ConditionKernelCommandLine=!elivepatch=off
            ConditionPathExists=/sys/kernel/livepatch
            {(isEarly ? Early : late)}

            [Service]
            Type=notify
            NotifyAccess=main
            Environment=ELIVEPATCH_STATE={stateFolder}
            ExecStart={command} load-persisted
            TimeoutStartSec={(isEarly ? "1min" : "5min")}
            SuccessExitStatus=143

            [Install]
            WantedBy={target}

            """;
        return new(
            isEarly ? BootPlace.BeforeModules : BootPlace.AfterFileSystems,
            text,
            IsScript: false,
            LinkPath(target),
            $"../{Name}"
        )
        {
            DropIns = isEarly ? new Dictionary<string, string> { [LoadersPath] = Loaders } : new Dictionary<string, string>(),
        };
    }

    private string LinkPath(string target) => Path.Combine(folder, $"{target}.wants", Name);
}
