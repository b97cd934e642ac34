namespace Elivepatch.Server.Tests;

/// <summary>What is installed beside the program.</summary>
public sealed class PackagingTests
{
    private static readonly string folder = Path.Combine(Repository.Root, "packaging");

    [Fact]
    public void The_unit_lets_the_service_use_the_processors_virtualisation_and_no_other_device()
    {
        var unit = File.ReadAllLines(Path.Combine(folder, "elivepatchd.service"));
        Assert.Contains("PrivateDevices=no", unit);
        Assert.Contains("DevicePolicy=closed", unit);
        Assert.Equal(["DeviceAllow=/dev/kvm rw"], unit.Where(l => l.StartsWith("DeviceAllow=", StringComparison.Ordinal)));
        // A group that is not there would keep the service from starting; the user's own groups are taken anyway.
        Assert.DoesNotContain(unit, l => l.StartsWith("SupplementaryGroups=", StringComparison.Ordinal));
        var users = File.ReadAllLines(Path.Combine(folder, "elivepatchd.sysusers"));
        Assert.Contains("m elivepatchd kvm", users);
    }
}
