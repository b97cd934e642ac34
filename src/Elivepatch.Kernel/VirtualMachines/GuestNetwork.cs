using Elivepatch.Kernel.Import;
using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>
/// A network for a guest, made by the emulator alone: the guest is 10.0.2.15, and what listens on this machine's loopback it
/// reaches at <see cref="Host"/>. For guests of ours only: one that tries what a client sent has none.
/// </summary>
/// <param name="Drivers">
/// The modules (<c>.ko</c>, not compressed) that a virtio network card needs, in the order in which they are loaded; none where
/// the kernel has them built in.
/// </param>
public sealed record GuestNetwork(IReadOnlyList<ReadOnlyMemory<byte>> Drivers)
{
    /// <summary>The address of this machine as the guest sees it.</summary>
    public const string Host = "10.0.2.2";

    // Each needs those before it.
    private static readonly string[] DriverPaths =
    [
        "drivers/virtio/virtio_ring",
        "drivers/virtio/virtio",
        "drivers/virtio/virtio_pci_legacy_dev",
        "drivers/virtio/virtio_pci_modern_dev",
        "drivers/virtio/virtio_pci",
        "net/core/failover",
        "drivers/net/net_failover",
        "drivers/net/virtio_net",
    ];

    /// <summary>Takes the drivers from a kernel's modules.</summary>
    public static async Task<Outcome<GuestNetwork>> FromModulesAsync(PackagedModules modules, CancellationToken cancellation)
    {
        var drivers = new List<ReadOnlyMemory<byte>>();
        foreach (var path in DriverPaths.Where(p => !modules.IsBuiltIn(p)))
        {
            var read = await modules.ReadAsync(Path.GetFileName(path), cancellation);
            if (!read.TryGet(out var driver))
            {
                return Outcome<GuestNetwork>.Failure(read.Problems);
            }

            drivers.Add(driver);
        }

        return new GuestNetwork(drivers);
    }
}
