// In: where the command and its state are. Out: the OpenRC service that loads livepatches at boot, enabled as `rc-update add`
// would: a link in the runlevel `boot`.

namespace Elivepatch.Machine;

/// <summary>The service script <c>/etc/init.d/elivepatch</c>.</summary>
/// <param name="files">The machine's files.</param>
/// <param name="scripts">The folder of service scripts.</param>
/// <param name="runlevels">The folder of runlevels.</param>
public sealed class OpenRcService(MachineFiles files, string scripts, string runlevels) : BootService(files)
{
    /// <summary>Its name.</summary>
    public const string Name = "elivepatch";

    /// <inheritdoc/>
    public override string FullPath => Path.Combine(scripts, Name);

    /// <inheritdoc/>
    protected override IReadOnlyList<string> LinkPaths => [Path.Combine(runlevels, "boot", Name)];

    /// <summary>
    /// The script. OpenRC starts udev and loads modules before it checks the root file system and makes it writable, which an
    /// attempt to load needs: no place before them would do.
    /// </summary>
    protected override ServicePlan Plan(string command, string stateFolder, MountPoints mounts) =>
        new(
            BootPlace.AfterFileSystems,
            $$"""
            #!/sbin/openrc-run
            # Written by `elivepatch persist`, removed by `elivepatch persist --off`. `elivepatch=off` on the kernel's command line
            # leaves livepatches out of one boot.

            description="Load the livepatches of the running kernel"
            command="{{command}}"
            command_args="load-persisted"
            command_background="yes"
            pidfile="/run/${RC_SVCNAME}.pid"
            output_log="/var/log/${RC_SVCNAME}.log"
            error_log="/var/log/${RC_SVCNAME}.log"
            export ELIVEPATCH_STATE="{{stateFolder}}"

            depend() {
                need localmount
                before net
                keyword -docker -lxc -openvz -prefix -systemd-nspawn -vserver
            }

            """,
            IsScript: true,
            LinkPaths[0],
            $"/etc/init.d/{Name}"
        );
}
