namespace Elivepatch.Machine.Tests;

public sealed class MissingMembersTests
{
    [Fact]
    public void A_member_that_is_not_there_has_its_initial_value() => Assert.Empty(JsonDefaults.Misread(MachineJson.Default));
}
