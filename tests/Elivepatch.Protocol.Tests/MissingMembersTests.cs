using System.Text.Json.Serialization;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Tests;

namespace Elivepatch.Protocol.Tests;

public sealed class MissingMembersTests
{
    public static TheoryData<JsonSerializerContext> Contexts => [ProtocolJson.Default, ManifestJson.Default, CaptureJson.Default];

    [Theory]
    [MemberData(nameof(Contexts), DisableDiscoveryEnumeration = true)]
    public void A_member_that_is_not_there_has_its_initial_value(JsonSerializerContext context) =>
        Assert.Empty(JsonDefaults.Misread(context));
}
