// In: a version and a configuration. Out: the one kernel that was told of with both. Such a client sends no symbols, so a kernel
// has to be known already; where several may be meant, none is.

using System.Collections.Concurrent;
using System.Text;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;
using Elivepatch.Server.State;

namespace Elivepatch.Server.FirstApi;

/// <summary>Finds kernels by what clients of the first elivepatch know of them.</summary>
internal sealed class FirstKernels(KernelTable kernels, BlobStore blobs) : IDisposable
{
    private const int MostRead = 50;
    private const int MostRemembered = 10_000;

    // Fifty kernels may be asked for at once, and each is read once: one at a time.
    private readonly SemaphoreSlim reading = new(1);
    private readonly ConcurrentDictionary<string, string> configs = new(StringComparer.Ordinal);

    /// <summary>The kernel with this version and configuration.</summary>
    public async Task<Outcome<StoredKernel>> FindAsync(string version, string config, CancellationToken cancellation)
    {
        var wanted = Digest(config);
        var known = await kernels.ListAsync(KernelTable.Operator, cancellation);
        var found = new List<StoredKernel>();
        foreach (var kernel in known.Where(k => IsVersion(k.Release, version)).Take(MostRead))
        {
            if (await ConfigOfAsync(kernel, cancellation) == wanted)
            {
                found.Add(kernel);
            }
        }

        return found.DistinctBy(k => k.BuildId).Count() switch
        {
            1 => found[0],
            0 => new Problem(FirstApiProblems.FirstKernelUnknown, $"no kernel {version} with this configuration is known here"),
            _ => new Problem(
                FirstApiProblems.FirstKernelUnknown,
                $"several kernels {version} with this configuration are known here"
            ),
        };
    }

    /// <inheritdoc/>
    public void Dispose() => reading.Dispose();

    // Such a client cuts the release at its first hyphen, or does not.
    private static bool IsVersion(string release, string version) =>
        release == version || (release.StartsWith(version, StringComparison.Ordinal) && release[version.Length] is '-' or '+');

    private async Task<string> ConfigOfAsync(StoredKernel kernel, CancellationToken cancellation)
    {
        if (configs.TryGetValue(kernel.Id, out var digest))
        {
            return digest;
        }

        await reading.WaitAsync(cancellation);
        try
        {
            var path = await blobs.PathAsync(kernel.Capture, cancellation);
            digest = await Task.Run(
                () =>
                {
                    using var stream = File.OpenRead(path);
                    var read = CaptureFile.ReadConfig(stream);
                    return read.TryGet(out var text) ? Digest(Encoding.UTF8.GetString(text.Span)) : "";
                },
                cancellation
            );
            if (configs.Count < MostRemembered)
            {
                configs[kernel.Id] = digest;
            }

            return digest;
        }
        finally
        {
            reading.Release();
        }
    }

    // What is set, whatever the comments and the order: such a client unpacks /proc/config.gz, or takes the file of the source.
    private static string Digest(string config) =>
        ContentDigest
            .OfParts(
                config
                    .Split('\n')
                    .Select(l => l.TrimEnd())
                    .Where(l => l.StartsWith("CONFIG_", StringComparison.Ordinal))
                    .Order(StringComparer.Ordinal)
            )
            .Hex;
}
