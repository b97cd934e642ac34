using Elivepatch.Engine;
using Elivepatch.Kernel.Processes;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>
/// A network for a guest, made by the emulator alone: the guest is 10.0.2.15, and what listens on this machine's loopback it reaches
/// at <see cref="Host"/>. For guests of ours only: one that tries what a client sent has none.
/// </summary>
/// <param name="Drivers">
/// The modules (<c>.ko</c>, not compressed) that a virtio network card needs, in the order in which they are loaded; none where the
/// kernel has them built in.
/// </param>
public sealed record GuestNetwork(IReadOnlyList<ReadOnlyMemory<byte>> Drivers)
{
    /// <summary>The address of this machine as the guest sees it.</summary>
    public const string Host = "10.0.2.2";

    // Each needs those before it.
    private static readonly string[] DriverPaths = ["net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net"];

    /// <summary>Takes the drivers from a kernel's modules.</summary>
    /// <param name="folder">The folder <c>/lib/modules/RELEASE/kernel</c>.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<GuestNetwork>> FromModulesAsync(string folder, CancellationToken cancellation)
    {
        var drivers = new List<ReadOnlyMemory<byte>>();
        foreach (var path in DriverPaths)
        {
            var read = await ReadModuleAsync(Path.Combine(folder, path), cancellation);
            if (!read.TryGet(out var driver))
                return Outcome<GuestNetwork>.Failure(read.Problems);
            drivers.Add(driver);
        }

        return new GuestNetwork(drivers);
    }

    private static async Task<Outcome<ReadOnlyMemory<byte>>> ReadModuleAsync(string path, CancellationToken cancellation)
    {
        if (File.Exists(path + ".ko"))
            return (ReadOnlyMemory<byte>)await File.ReadAllBytesAsync(path + ".ko", cancellation);
        foreach (var (suffix, program) in new[] { (".ko.xz", "xz"), (".ko.zst", "zstd"), (".ko.gz", "gzip") })
        {
            if (!File.Exists(path + suffix))
                continue;
            var unpacked = await ProcessRunner.RunAsync(
                new ProcessRequest { File = program, Arguments = ["-dc", path + suffix], OutputLimit = 64 << 20 }, cancellation);
            return unpacked.Succeeded ? unpacked.OutputBytes : new Problem(ProblemCodes.ToolFailed, $"{path}{suffix}: {unpacked.Describe()}");
        }

        return new Problem(ProblemCodes.GuestJobInvalid, $"there is no {path}.ko");
    }
}
