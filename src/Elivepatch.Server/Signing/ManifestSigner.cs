// In: a build that has succeeded. Out: its manifest, dated now and signed. The statement is kept without date and signature, so
// that one artifact can be vouched for as long as the server wants to, and by a new key after a rotation.

using System.Text.Json;
using Elivepatch.Builder;
using Elivepatch.Model;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Signing;

/// <summary>Signs manifests.</summary>
/// <param name="keys">The keys.</param>
/// <param name="blobs">Where the statements lie.</param>
/// <param name="validity">How long a manifest may be believed.</param>
/// <param name="clock">The clock that dates them.</param>
public sealed class ManifestSigner(KeyRing keys, BlobStore blobs, TimeSpan validity, TimeProvider clock)
{
    private const string Builder = "urn:elivepatch:server:";

    /// <summary>Dates and signs the statement of a build.</summary>
    public async Task<Outcome<Envelope>> SignAsync(StoredBuild build, CancellationToken cancellation)
    {
        if (build.End?.Statement is not { } digest)
        {
            return new Problem(ServerProblems.ResultMissing, $"build {build.Id} has no livepatch");
        }

        var statement = JsonSerializer.Deserialize(await blobs.ReadAsync(digest, cancellation), ManifestJson.Default.Statement);
        if (statement is null || statement.Subject is not [{ Digest.Sha256: { } subject }] || subject != build.End.Artifact)
        {
            return new Problem(BuilderProblems.StateUnusable, $"the statement of build {build.Id} is not about its module");
        }

        var now = clock.GetUtcNow();
        return keys.Sign(
            Statement.PayloadType,
            key => JsonSerializer.SerializeToUtf8Bytes(Dated(statement, key, now), ManifestJson.Default.Statement)
        );
    }

    private Statement Dated(Statement statement, PublicKey key, DateTimeOffset now)
    {
        var said = statement.Predicate;
        return statement with
        {
            Predicate = said with
            {
                RunDetails = said.RunDetails with { Builder = said.RunDetails.Builder with { Id = Builder + key.Id } },
                Validity = new(now, now + validity),
            },
        };
    }
}
