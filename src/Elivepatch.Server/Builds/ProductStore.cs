// In: what a builder gives back. Out: the end of the build, with all that is kept of it in the blob store.

using System.Text;
using System.Text.Json;
using Elivepatch.Builder.Jobs;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Builds;

/// <summary>Stores what builders made.</summary>
public sealed class ProductStore(BlobStore blobs)
{
    /// <summary>Stores it. Where that is not possible the build has failed.</summary>
    public async Task<BuildEnd> StoreAsync(BuildProduct product, CancellationToken cancellation)
    {
        var problems = new List<Problem>();
        var end = new BuildEnd
        {
            State =
                product.Problems.Count == 0 ? BuildState.Succeeded
                : product.Problems.Any(p => p.Code.Kind == ProblemKind.Environment) ? BuildState.Failed
                : BuildState.Refused,
            Problems = ProblemReport.Of(product.Problems),
            Module = product.Module,
            Artifact = await PutAsync(product.Artifact),
            ArtifactSize = product.Artifact?.LongLength ?? 0,
            Explanation = await PutAsync(
                product.Explanation is { } e ? JsonSerializer.SerializeToUtf8Bytes(e, ProtocolJson.Default.Explanation) : null
            ),
            Console = await PutAsync(product.Console is { } console ? Encoding.UTF8.GetBytes(console) : null),
            Statement = await PutAsync(
                product.Statement is { } s ? JsonSerializer.SerializeToUtf8Bytes(s, ManifestJson.Default.Statement) : null
            ),
            Tested = product.Tested,
            Proof = Proofs.Weakest(product.Explanation?.Units ?? []),
        };
        return problems.Count > 0 ? BuildEnd.Failed(problems[0]) : end;

        async Task<string?> PutAsync(byte[]? content)
        {
            if (content is null)
            {
                return null;
            }

            var stored = await blobs.PutAsync(content, cancellation);
            problems.AddRange(stored.Problems);
            return stored.Succeeded ? stored.Value : null;
        }
    }
}
