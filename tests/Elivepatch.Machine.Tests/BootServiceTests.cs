using Elivepatch.Model;

namespace Elivepatch.Machine.Tests;

/// <summary>What is written for the init system.</summary>
public sealed class BootServiceTests : IDisposable
{
    private const string Command = "/usr/local/sbin/elivepatch";
    private const string OnlyRoot =
        "29 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n30 29 0:5 / /dev rw - devtmpfs udev rw\n";

    private readonly Scratch scratch = new();

    public void Dispose() => scratch.Dispose();

    [Fact]
    public void With_all_on_the_root_file_system_livepatches_are_loaded_before_udev_and_lists_of_modules()
    {
        Assert.Equal(BootPlace.BeforeModules, Install(OnlyRoot).Value);
        var unit = File.ReadAllText(Units("elivepatch.service"));
        Assert.Contains("\nDefaultDependencies=no\n", unit, StringComparison.Ordinal);
        Assert.Contains(
            "\nBefore=systemd-udevd.service systemd-udev-trigger.service systemd-modules-load.service sysinit.target\n",
            unit,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("RequiresMountsFor", unit, StringComparison.Ordinal);
        Assert.Equal("../elivepatch.service", new FileInfo(Units("sysinit.target.wants/elivepatch.service")).LinkTarget);
        Assert.Contains(
            "\n[Unit]\nAfter=elivepatch.service\n",
            File.ReadAllText(Units("modprobe@.service.d/elivepatch.conf")),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("/var")]
    [InlineData("/usr/local")]
    [InlineData("/var/lib/elivepatch")]
    public void What_is_on_a_file_system_of_its_own_is_waited_for(string place)
    {
        Assert.Equal(BootPlace.AfterFileSystems, Install($"{OnlyRoot}31 29 254:2 / {place} rw - ext4 /dev/vdb rw\n").Value);
        var unit = File.ReadAllText(Units("elivepatch.service"));
        Assert.Contains("\nRequiresMountsFor=/var/lib/elivepatch /usr/local/sbin/elivepatch\n", unit, StringComparison.Ordinal);
        Assert.DoesNotContain("udev", unit, StringComparison.Ordinal);
        Assert.Equal("../elivepatch.service", new FileInfo(Units("multi-user.target.wants/elivepatch.service")).LinkTarget);
        Assert.False(Directory.Exists(Units("modprobe@.service.d")));
    }

    [Fact]
    public void A_file_system_with_a_name_that_only_begins_alike_does_not_matter() =>
        Assert.Equal(BootPlace.BeforeModules, Install(OnlyRoot + "31 29 254:2 / /var/lib/elive rw - ext4 /dev/vdb rw\n").Value);

    [Fact]
    public void Where_nothing_is_known_of_file_systems_they_are_waited_for() =>
        Assert.Equal(BootPlace.AfterFileSystems, Install("").Value);

    [Fact]
    public void A_command_behind_a_link_may_be_anywhere()
    {
        Directory.CreateDirectory(scratch.PathOf("real"));
        File.CreateSymbolicLink(scratch.PathOf("linked"), "real");
        Assert.Equal(BootPlace.AfterFileSystems, Install(OnlyRoot, scratch.PathOf("linked/elivepatch")).Value);
        Assert.Equal(BootPlace.BeforeModules, Install(OnlyRoot, scratch.PathOf("real/elivepatch")).Value);
    }

    [Theory]
    [InlineData("/usr/local", "nfs4")]
    [InlineData("/var/lib", "cifs")]
    public void What_the_network_brings_cannot_be_there_before_it(string place, string type)
    {
        var refused = Install($"{OnlyRoot}31 29 0:50 / {place} rw shared:5 - {type} server:/export rw\n");
        Assert.Equal(MachineProblems.BootLoadingImpossible, refused.Problems[0].Code);
        Assert.Contains($"({type})", refused.Problems[0].Reason, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Units("")));
    }

    [Fact]
    public void A_way_that_leads_out_of_a_folder_again_is_not_on_its_file_system()
    {
        var mounts = $"{OnlyRoot}31 29 254:2 / /srv rw - ext4 /dev/vdb rw\n";
        Assert.Equal(BootPlace.BeforeModules, Install(mounts, "/srv/../usr/local/sbin/elivepatch").Value);
        Assert.Equal(BootPlace.AfterFileSystems, Install(mounts, "/usr/../srv/elivepatch").Value);
    }

    [Fact]
    public void A_unit_that_moves_is_wanted_once_and_one_that_goes_leaves_nothing()
    {
        Assert.True(Install("").Succeeded);
        Assert.True(Install(OnlyRoot).Succeeded);
        Assert.False(File.Exists(Units("multi-user.target.wants/elivepatch.service")));
        var service = BootService.Of(Machine());
        Assert.True(service.IsInstalled);
        Assert.Null(service.Remove());
        Assert.False(service.IsInstalled);
        Assert.Empty(Directory.EnumerateFiles(Units(""), "*", SearchOption.AllDirectories));
        Assert.False(Directory.Exists(Units("modprobe@.service.d")));
        Assert.Null(service.Remove());
    }

    [Fact]
    public void A_unit_that_becomes_late_lets_modules_be_loaded_before_it_and_leaves_the_files_of_others()
    {
        Assert.True(Install(OnlyRoot).Succeeded);
        File.WriteAllText(Units("modprobe@.service.d/own.conf"), "[Unit]\n");
        Assert.True(Install("").Succeeded);
        Assert.Equal([Units("modprobe@.service.d/own.conf")], Directory.EnumerateFiles(Units("modprobe@.service.d")));
    }

    [Fact]
    public void OpenRC_gets_a_service_in_its_runlevel_boot()
    {
        Directory.CreateDirectory(scratch.PathOf("run/openrc"));
        Directory.CreateDirectory(scratch.PathOf("etc/init.d"));
        Assert.Equal(BootPlace.AfterFileSystems, Install(OnlyRoot).Value);
        var script = scratch.PathOf("etc/init.d/elivepatch");
        Assert.StartsWith("#!/sbin/openrc-run\n", File.ReadAllText(script), StringComparison.Ordinal);
        Assert.True(File.GetUnixFileMode(script).HasFlag(UnixFileMode.UserExecute));
        Assert.Equal("/etc/init.d/elivepatch", new FileInfo(scratch.PathOf("etc/runlevels/boot/elivepatch")).LinkTarget);
        Assert.False(File.Exists(Units("elivepatch.service")));
        Assert.Null(BootService.Of(Machine()).Remove());
        Assert.False(File.Exists(script));
    }

    [Fact]
    public void Where_both_have_been_started_systemd_is_meant()
    {
        Directory.CreateDirectory(scratch.PathOf("run/openrc"));
        Directory.CreateDirectory(scratch.PathOf("run/systemd/system"));
        Assert.True(Install(OnlyRoot).Succeeded);
        Assert.True(File.Exists(Units("elivepatch.service")));
    }

    [Fact]
    public void A_machine_without_either_is_told_so()
    {
        var refused = BootService.Of(Machine()).Install(Command, "/var/lib/elivepatch");
        Assert.Equal(MachineProblems.BootLoadingImpossible, refused.Problems[0].Code);
    }

    private Outcome<BootPlace> Install(string mounts, string command = Command)
    {
        Directory.CreateDirectory(scratch.PathOf("etc/systemd/system"));
        Directory.CreateDirectory(scratch.PathOf("proc/self"));
        File.WriteAllText(scratch.PathOf("proc/self/mountinfo"), mounts);
        return BootService.Of(Machine()).Install(command, "/var/lib/elivepatch");
    }

    private MachineAccess Machine() =>
        new(scratch.Folder, new(_ => 0, _ => 0, () => ""), TimeProvider.System) { Variable = _ => null };

    private string Units(string path) => scratch.PathOf(Path.Combine("etc/systemd/system", path));
}
