// In: digests of what a build is made of. Out: files with that content. They are kept, as the next build for the kernel wants the
// same; what was not wanted for long goes.

using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Workers;

/// <summary>What builds are made of, fetched from a server.</summary>
internal sealed class WorkInputs(CacheRoot cache, WorkClient client)
{
    private const long Largest = 8L << 30;
    private static readonly TimeSpan kept = TimeSpan.FromDays(30);
    private readonly string folder = cache.EnsureFolder("inputs");

    /// <summary>The path of an input.</summary>
    public async Task<Outcome<string>> GetAsync(AssignedBuild hold, string digest, CancellationToken cancellation)
    {
        if (!ContentDigest.IsHex(digest))
        {
            return new Problem(ServiceProblems.ServerAnswerMalformed, "an input has no digest");
        }

        var path = Path.Combine(folder, digest);
        using var held = await cache.LockAsync($"input-{digest}", cancellation);
        if (File.Exists(path))
        {
            File.SetLastAccessTimeUtc(path, DateTime.UtcNow);
            return path;
        }

        using var workspace = cache.NewWorkspace();
        var incoming = Path.Combine(workspace.FullPath, digest);
        var problem = await client.FetchAsync(
            hold,
            digest,
            async (content, inTime) =>
            {
                await using var file = File.Create(incoming);
                var copied = await ContentDigest.OfCopyAsync(content, file, Largest, inTime);
                file.Flush(flushToDisk: true);
                return copied?.Hex == digest ? null : new(ServiceProblems.ServerUnreachable, "an input came broken");
            },
            cancellation
        );
        if (problem is not null)
        {
            return problem;
        }

        File.Move(incoming, path);
        return path;
    }

    /// <summary>Removes what was not wanted for long.</summary>
    public void Trim()
    {
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles().Where(f => f.LastAccessTimeUtc < DateTime.UtcNow - kept))
        {
            file.Delete();
        }
    }
}
