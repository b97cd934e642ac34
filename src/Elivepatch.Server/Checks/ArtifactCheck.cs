// In: a build that published a module. Out: whether the module, byte for byte as it was published, keeps the rules of today. It
// is the self-check that a build ends with, on what a build of this version would know of the kernel.

using System.Text.Json;
using Elivepatch.Elf;
using Elivepatch.Engine;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Model;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Checks;

/// <summary>Checks published modules again.</summary>
internal sealed class ArtifactCheck(KernelsOfBuilds kernels, BlobStore blobs)
{
    /// <summary>Checks one.</summary>
    public async Task<ArtifactVerdict> RunAsync(StoredBuild build, CancellationToken cancellation)
    {
        if (build.End is not { Artifact: { } artifact } end)
        {
            return ArtifactVerdict.Unknown("it has no module");
        }

        if (await ReadAsync(artifact, cancellation) is not { } module)
        {
            return ArtifactVerdict.Unknown("the module is no longer in the store, or is damaged");
        }

        var kernel = await kernels.FindAsync(build, await StatementAsync(end.Statement, cancellation), cancellation);
        try
        {
            return await CheckAsync(build, module, kernel, cancellation);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or OperationCanceledException))
        {
            // A module that our own rules stumble over says nothing of itself.
            return ArtifactVerdict.Unknown($"the check broke: {e.GetType().Name}");
        }
    }

    private async Task<ArtifactVerdict> CheckAsync(
        StoredBuild build,
        byte[] module,
        CheckedKernel kernel,
        CancellationToken cancellation
    )
    {
        ElfObject elf;
        try
        {
            elf = ElfReader.Read(module);
        }
        catch (ElfFormatException e)
        {
            return ArtifactVerdict.Broken([new(SelfCheckProblems.NotALivepatch, e.Message)]);
        }

        var read = LivepatchModule.Read(elf, kernel.Target.Layouts);
        if (!read.TryGet(out var livepatch))
        {
            // Without the kernel's layouts a good module can be unreadable too.
            return kernel.Target.Layouts is null
                ? ArtifactVerdict.Unknown($"{kernel.Missing}: {read.Problems[0]}")
                : ArtifactVerdict.Broken(read.Problems);
        }

        kernel = await kernels.AddModulesAsync(kernel, build, livepatch, cancellation);
        var broken = ModuleRules.Check(elf, livepatch, kernel.Target).Select(r => r.Problem).OfType<Problem>().ToList();
        return broken.Count > 0 ? ArtifactVerdict.Broken(broken)
            : kernel.Missing is { } missing ? ArtifactVerdict.Unknown(missing)
            : ArtifactVerdict.Kept;
    }

    private async Task<Statement?> StatementAsync(string? digest, CancellationToken cancellation) =>
        digest is not null && await ReadAsync(digest, cancellation) is { } json
            ? JsonSerializer.Deserialize(json, ManifestJson.Default.Statement)
            : null;

    private async Task<byte[]?> ReadAsync(string digest, CancellationToken cancellation)
    {
        try
        {
            var content = await blobs.ReadAsync(digest, cancellation);
            return ContentDigest.Of(content).Hex == digest ? content : null;
        }
        catch (IOException)
        {
            // Gone, or damaged. A database that is away is another matter, and the check is done when it is back.
            return null;
        }
    }
}
