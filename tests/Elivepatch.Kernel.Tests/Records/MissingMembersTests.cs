using System.Text.Json.Serialization;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Link;
using Elivepatch.Kernel.Records;
using Xunit;

namespace Elivepatch.Kernel.Tests.Records;

public sealed class MissingMembersTests
{
    public static TheoryData<JsonSerializerContext> Contexts =>
        [RecordJson.Default, CompileCommandJson.Default, ModuleRecipeJson.Default];

    [Theory]
    [MemberData(nameof(Contexts), DisableDiscoveryEnumeration = true)]
    public void A_member_that_is_not_there_has_its_initial_value(JsonSerializerContext context) =>
        Assert.Empty(JsonDefaults.Misread(context));
}
