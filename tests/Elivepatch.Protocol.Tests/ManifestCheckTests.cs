using System.Security.Cryptography;
using System.Text.Json;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Tests;

public sealed class ManifestCheckTests : IDisposable
{
    private const string BuildId = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private static readonly byte[] module = [1, 2, 3];
    private static readonly DateTimeOffset issued = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly PatchReference patch = new("fix.patch", new string('1', 64));
    private readonly SigningKey key = SigningKey.Create();

    private ManifestExpectation Expectation =>
        new()
        {
            Key = key.Public,
            BuildId = BuildId,
            Patches = [patch],
            Now = issued.AddHours(1),
        };

    public void Dispose() => key.Dispose();

    [Fact]
    public void A_manifest_that_is_about_this_module_kernel_and_request_is_believed()
    {
        var checkedStatement = ManifestCheck.Run(Signed(Statement()), module, Expectation);
        Assert.True(checkedStatement.Succeeded);
        Assert.Equal("livepatch_fix.ko", checkedStatement.Value.Subject[0].Name);
    }

    [Fact]
    public void One_changed_byte_of_the_module_is_refused() => Refuses("ELP1104", Expectation, changed: [1, 2, 4]);

    [Fact]
    public void Another_key_is_refused()
    {
        using var other = SigningKey.Create();
        Refuses("ELP1103", Expectation with { Key = other.Public });
    }

    [Fact]
    public void Another_kernel_is_refused() => Refuses("ELP1105", Expectation with { BuildId = new string('b', 40) });

    [Fact]
    public void Other_patches_than_were_asked_for_are_refused()
    {
        Refuses("ELP1106", Expectation with { Patches = [patch, patch] });
        Refuses("ELP1106", Expectation with { Patches = [patch with { Sha256 = new string('2', 64) }] });
    }

    [Fact]
    public void Other_statements_than_were_asked_with_are_refused()
    {
        var statement = new AuthorStatement(StatementKind.LayoutIsSafe, "fs/box.c", "struct box", "it lies in padding");
        Refuses("ELP1106", Expectation with { Statements = [statement] });
        Assert.True(ManifestCheck.Run(Signed(Statement()), module, Expectation with { Statements = [] }).Succeeded);

        var stated = Statement();
        var definition = stated.Predicate.BuildDefinition;
        definition = definition with { ExternalParameters = definition.ExternalParameters with { Statements = [statement] } };
        var signed = Signed(stated with { Predicate = stated.Predicate with { BuildDefinition = definition } });
        Assert.True(ManifestCheck.Run(signed, module, Expectation with { Statements = [statement] }).Succeeded);
        Assert.False(ManifestCheck.Run(signed, module, Expectation with { Statements = [] }).Succeeded);
        Assert.False(
            ManifestCheck
                .Run(signed, module, Expectation with { Statements = [statement with { Reason = "nobody reads it" }] })
                .Succeeded
        );
    }

    [Fact]
    public void A_file_from_elsewhere_is_checked_without_a_request() =>
        Assert.True(ManifestCheck.Run(Signed(Statement()), module, Expectation with { Patches = null }).Succeeded);

    [Fact]
    public void An_older_manifest_than_an_accepted_one_is_refused()
    {
        Refuses("ELP1107", Expectation with { NewestAccepted = issued.AddSeconds(1) });
        Assert.True(ManifestCheck.Run(Signed(Statement()), module, Expectation with { NewestAccepted = issued }).Succeeded);
    }

    [Fact]
    public void An_expired_manifest_is_refused_unless_age_does_not_matter()
    {
        Refuses("ELP1108", Expectation with { Now = issued.AddDays(31) });
        Assert.True(ManifestCheck.Run(Signed(Statement()), module, Expectation with { Now = null }).Succeeded);
    }

    [Fact]
    public void A_manifest_from_the_future_is_refused_beyond_what_clocks_differ_by()
    {
        Refuses("ELP1109", Expectation with { Now = issued.AddMinutes(-11) });
        Assert.True(ManifestCheck.Run(Signed(Statement()), module, Expectation with { Now = issued.AddMinutes(-9) }).Succeeded);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"payloadType":"application/vnd.in-toto+json","payload":"!","signatures":[]}""")]
    [InlineData("""{"payloadType":null,"payload":null,"signatures":null}""")]
    [InlineData("""{"payloadType":"t","payload":"","signatures":[null]}""")]
    [InlineData("""{"payloadType":"t","payload":"","signatures":[{"keyId":"","sig":null}]}""")]
    public void What_is_no_envelope_is_refused(string json) =>
        Assert.Equal(
            "ELP1102",
            ManifestCheck.Run(System.Text.Encoding.UTF8.GetBytes(json), module, Expectation).Problems[0].Code.Id
        );

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"_type":"x"}""")]
    [InlineData("[")]
    public void A_signed_payload_that_is_no_statement_is_refused(string payload)
    {
        var envelope = key.Sign(Manifests.Statement.PayloadType, System.Text.Encoding.UTF8.GetBytes(payload));
        Assert.Equal("ELP1102", ManifestCheck.Run(Json(envelope), module, Expectation).Problems[0].Code.Id);
    }

    [Fact]
    public void A_statement_about_two_artifacts_or_of_another_kind_is_refused()
    {
        var statement = Statement();
        Refused(statement with { Subject = [.. statement.Subject, .. statement.Subject] });
        Refused(statement with { Subject = [] });
        Refused(statement with { PredicateType = "https://slsa.dev/provenance/v0.2" });
        Refused(
            statement with
            {
                Predicate = statement.Predicate with
                {
                    BuildDefinition = statement.Predicate.BuildDefinition with { BuildType = "urn:other" },
                },
            }
        );

        void Refused(Statement changed) =>
            Assert.Equal("ELP1102", ManifestCheck.Run(Signed(changed), module, Expectation).Problems[0].Code.Id);
    }

    [Fact]
    public void An_envelope_of_another_payload_type_is_refused()
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(Statement(), ManifestJson.Default.Statement);
        Assert.Equal(
            "ELP1102",
            ManifestCheck.Run(Json(key.Sign("text/plain", payload)), module, Expectation).Problems[0].Code.Id
        );
    }

    [Fact]
    public void Statements_have_the_member_names_of_their_specifications()
    {
        using var json = JsonDocument.Parse(JsonSerializer.SerializeToUtf8Bytes(Statement(), ManifestJson.Default.Statement));
        Assert.Equal("https://in-toto.io/Statement/v1", json.RootElement.GetProperty("_type").GetString());
        Assert.Equal(
            64,
            json.RootElement.GetProperty("subject")[0].GetProperty("digest").GetProperty("sha256").GetString()!.Length
        );
        var predicate = json.RootElement.GetProperty("predicate");
        Assert.Equal(
            "urn:elivepatch:build:livepatch:v1",
            predicate.GetProperty("buildDefinition").GetProperty("buildType").GetString()
        );
        Assert.True(predicate.GetProperty("buildDefinition").TryGetProperty("resolvedDependencies", out _));
        Assert.True(predicate.GetProperty("runDetails").GetProperty("builder").TryGetProperty("id", out _));
        Assert.True(predicate.GetProperty("runDetails").GetProperty("metadata").TryGetProperty("invocationId", out _));
        Assert.True(predicate.GetProperty("elivepatch_validity").TryGetProperty("expiresOn", out _));
    }

    private void Refuses(string code, ManifestExpectation expectation, byte[]? changed = null) =>
        Assert.Equal(
            code,
            Assert.Single(ManifestCheck.Run(Signed(Statement()), changed ?? module, expectation).Problems).Code.Id
        );

    private byte[] Signed(Statement statement) =>
        Json(
            key.Sign(
                Manifests.Statement.PayloadType,
                JsonSerializer.SerializeToUtf8Bytes(statement, ManifestJson.Default.Statement)
            )
        );

    private static byte[] Json(Envelope envelope) => JsonSerializer.SerializeToUtf8Bytes(envelope, ManifestJson.Default.Envelope);

    private static Statement Statement() =>
        new()
        {
            Type = Manifests.Statement.StatementType,
            Subject = [new("livepatch_fix.ko", new(Convert.ToHexStringLower(SHA256.HashData(module))))],
            PredicateType = Manifests.Statement.ProvenanceType,
            Predicate = new(
                new BuildDefinition
                {
                    BuildType = BuildDefinition.LivepatchType,
                    ExternalParameters = new("6.12.1", BuildId, [patch], [], "livepatch_fix", Replace: true),
                    InternalParameters = new("1", "gcc (GCC) 12.2.0", [], null),
                },
                new(new("urn:elivepatch:server:x", new Dictionary<string, string>()), new("id", issued, issued)),
                new(issued, issued.AddDays(30))
            ),
        };
}
