using System.Security.Cryptography;
using System.Text.Json;
using Elivepatch.Builder;
using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;
using Elivepatch.Server.State.Sqlite;

namespace Elivepatch.Server.Tests.Signing;

public sealed class ManifestSignerTests : IDisposable
{
    private const string BuildId = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private static readonly byte[] module = [1, 2, 3];
    private readonly string folder = Directory.CreateTempSubdirectory("manifests-").FullName;
    private readonly BlobStore blobs;
    private readonly KeyRing keys;
    private readonly ManifestSigner signer;

    public ManifestSignerTests()
    {
        blobs = new FolderBlobs(Path.Combine(folder, "blobs"));
        keys = KeyRing.Open(Path.Combine(folder, "keys")).Value;
        signer = new(keys, blobs, TimeSpan.FromDays(30), TimeProvider.System);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        keys.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_machine_believes_what_was_signed()
    {
        var statement = await CheckAsync(await BuildAsync(), keys.Current);
        Assert.True(statement.Succeeded, statement.Succeeded ? "" : statement.Problems[0].ToString());
        Assert.Equal("urn:elivepatch:server:" + keys.Current.Id, statement.Value.Predicate.RunDetails.Builder.Id);
        Assert.Equal(
            TimeSpan.FromDays(30),
            statement.Value.Predicate.Validity.ExpiresOn - statement.Value.Predicate.Validity.IssuedOn
        );
    }

    [Fact]
    public async Task After_a_rotation_the_new_key_signs_what_was_built_before()
    {
        var (build, old) = (await BuildAsync(), keys.Current);
        keys.Rotate();
        Assert.False((await CheckAsync(build, old)).Succeeded);
        Assert.True((await CheckAsync(build, KeyChain.Follow(keys.List(), old).Value)).Succeeded);
    }

    [Fact]
    public async Task What_is_kept_without_date_is_believed_by_nobody()
    {
        var build = await BuildAsync();
        var payload = await blobs.ReadAsync(build.End!.Statement!, Cancellation);
        var envelope = keys.Sign(Statement.PayloadType, _ => payload);
        var check = ManifestCheck.Run(
            JsonSerializer.SerializeToUtf8Bytes(envelope, ManifestJson.Default.Envelope),
            module,
            Expectation(keys.Current)
        );
        Assert.Equal("ELP1108", check.Problems[0].Code.Id);
    }

    [Fact]
    public async Task A_build_without_livepatch_and_a_statement_about_another_are_refused()
    {
        var build = await BuildAsync();
        Assert.Equal(
            ServerProblems.ResultMissing,
            (await signer.SignAsync(build with { End = null }, Cancellation)).Problems[0].Code
        );
        var other = build with { End = build.End! with { Artifact = new string('f', 64) } };
        Assert.Equal(BuilderProblems.StateUnusable, (await signer.SignAsync(other, Cancellation)).Problems[0].Code);
    }

    private static ManifestExpectation Expectation(PublicKey key) =>
        new()
        {
            Key = key,
            BuildId = BuildId,
            Now = DateTimeOffset.UtcNow,
        };

    private async Task<Outcome<Statement>> CheckAsync(StoredBuild build, PublicKey key)
    {
        var envelope = (await signer.SignAsync(build, Cancellation)).Value;
        return ManifestCheck.Run(
            JsonSerializer.SerializeToUtf8Bytes(envelope, ManifestJson.Default.Envelope),
            module,
            Expectation(key)
        );
    }

    private async Task<StoredBuild> BuildAsync()
    {
        var artifact = (await blobs.PutAsync(module, Cancellation)).Value;
        var statement = new Statement
        {
            Type = Statement.StatementType,
            Subject = [new("livepatch_fix.ko", new(Convert.ToHexStringLower(SHA256.HashData(module))))],
            PredicateType = Statement.ProvenanceType,
            Predicate = new(
                new()
                {
                    BuildType = BuildDefinition.LivepatchType,
                    ExternalParameters = new("6.1.0", BuildId, [], [], "livepatch_fix", true),
                    InternalParameters = new("1", "gcc", [], null),
                },
                new(new("", new Dictionary<string, string>()), new("b", DateTimeOffset.UtcNow, DateTimeOffset.UtcNow)),
                new(DateTimeOffset.UtcNow, DateTimeOffset.UnixEpoch)
            ),
        };
        return new()
        {
            Id = "b",
            Kernel = "k",
            Release = "6.1.0",
            Submission = artifact,
            Patches = [],
            Token = "t",
            Requester = "n",
            Submitted = DateTimeOffset.UtcNow,
            State = BuildState.Succeeded,
            End = new()
            {
                State = BuildState.Succeeded,
                Artifact = artifact,
                Statement = (
                    await blobs.PutAsync(
                        JsonSerializer.SerializeToUtf8Bytes(statement, ManifestJson.Default.Statement),
                        Cancellation
                    )
                ).Value,
            },
        };
    }
}
