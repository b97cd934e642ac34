using System.Text.Json;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Workers;

/// <summary>
/// The kernels that this worker has built for: what they need is in its cache. Only a hint, for whoever chooses a worker; a wrong
/// one costs time and nothing else.
/// </summary>
internal sealed class PreparedKernels
{
    private const int Most = 500;
    private readonly string path;
    private readonly Lock gate = new();
    private List<string> kernels = [];

    /// <summary>Reads what an earlier run of the worker has left.</summary>
    public PreparedKernels(CacheRoot cache)
    {
        path = Path.Combine(cache.EnsureFolder("worker"), "prepared-kernels.json");
        try
        {
            var read = JsonSerializer.Deserialize(File.ReadAllBytes(path), ProtocolJson.Default.IReadOnlyListString);
            kernels = [.. (read ?? []).Where(ContentDigest.IsHex).Take(Most)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            // Then there are none.
        }
    }

    /// <summary>Their ids, the latest first.</summary>
    public IReadOnlyList<string> Ids
    {
        get
        {
            lock (gate)
            {
                return [.. kernels];
            }
        }
    }

    /// <summary>Notes that a kernel was built for.</summary>
    public void Add(string kernel)
    {
        lock (gate)
        {
            if (kernels is [var first, ..] && first == kernel)
            {
                return;
            }

            kernels = [kernel, .. kernels.Where(k => k != kernel).Take(Most - 1)];
            try
            {
                File.WriteAllBytes(
                    path + ".new",
                    JsonSerializer.SerializeToUtf8Bytes(kernels, ProtocolJson.Default.IReadOnlyListString)
                );
                File.Move(path + ".new", path, overwrite: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The next run begins without.
            }
        }
    }
}
