using Elivepatch.Builder.Jobs;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Builds;

public sealed class BuildIdentityTests
{
    private static readonly PatchFile one = new("one.patch", [1]);
    private static readonly PatchFile two = new("two.patch", [2]);

    private static readonly AuthorStatement box = new(StatementKind.LayoutIsSafe, "fs/box.c", "struct box", "it lies in padding");
    private static readonly AuthorStatement bag = new(StatementKind.LayoutIsSafe, "fs/box.c", "struct bag", "it lies in padding");

    private static readonly StoredKernel kernel = new(
        new string('1', 64),
        "6.1.0",
        new string('a', 40),
        "x86_64",
        "gcc",
        new string('c', 64),
        null,
        null,
        DateTimeOffset.UnixEpoch,
        "machine"
    );

    private static readonly BuildSubmission submission = new()
    {
        Kernel = kernel.Id,
        Patches = [one, two],
        BasePatches = [one],
        Name = "name",
        Script = "true",
    };

    public static TheoryData<string, string> Others =>
        new()
        {
            { "engine", Of(engine: "2") },
            { "rules", BuildIdentity.Of(submission, kernel, new(), "1", rules: 0) },
            { "kernel", Of(of: kernel with { Id = new string('2', 64) }) },
            { "source", Of(of: kernel with { Source = new string('3', 64) }) },
            { "boot image", Of(of: kernel with { BootImage = new string('3', 64) }) },
            { "a module's file", Of(submission with { Modules = [new("loop", new string('3', 64))] }) },
            { "another file of it", Of(submission with { Modules = [new("loop", new string('4', 64))] }) },
            { "order of patches", Of(submission with { Patches = [two, one] }) },
            { "a patch less", Of(submission with { Patches = [one] }) },
            { "a patch twice", Of(submission with { Patches = [one, two, two] }) },
            { "content of a patch", Of(submission with { Patches = [one, two with { Content = [3] }] }) },
            { "name of a patch", Of(submission with { Patches = [one, two with { Name = "three.patch" }] }) },
            { "no base patch", Of(submission with { BasePatches = [] }) },
            { "a patch in the other list", Of(submission with { Patches = [two], BasePatches = [one, one] }) },
            { "name of the module", Of(submission with { Name = "other" }) },
            { "no name", Of(submission with { Name = null }) },
            { "empty name", Of(submission with { Name = "" }) },
            { "replace", Of(submission with { Replace = false }) },
            { "script", Of(submission with { Script = "false" }) },
            { "no script", Of(submission with { Script = null }) },
            { "a statement", Of(submission with { Statements = [box] }) },
            { "two statements", Of(submission with { Statements = [box, bag] }) },
            { "order of statements", Of(submission with { Statements = [bag, box] }) },
            { "reason of a statement", Of(submission with { Statements = [box with { Reason = "nobody reads it" }] }) },
            { "unit of a statement", Of(submission with { Statements = [box with { Unit = "fs/bag.c" }] }) },
            { "kind of a statement", Of(submission with { Statements = [box with { Kind = StatementKind.LeaveOutExport }] }) },
            { "policy", Of(policy: new() { Trial = TrialPolicy.Off }) },
            { "time of the script", Of(policy: new() { ScriptTime = TimeSpan.FromSeconds(60) }) },
            { "units", Of(policy: new() { MostUnits = 401 }) },
            { "module key", Of(policy: new() { ModuleCertificate = new string('4', 64) }) },
        };

    [Theory]
    [MemberData(nameof(Others))]
    public void Whatever_determines_the_result_changes_the_id(string what, string other)
    {
        Assert.NotEmpty(what);
        Assert.NotEqual(Of(), other);
    }

    [Fact]
    public void All_these_ids_differ() => Assert.Equal(Others.Count, Others.Select(o => o.Data.Item2).Distinct().Count());

    [Fact]
    public void Who_asks_and_when_does_not_matter() =>
        Assert.Equal(Of(), Of(submission with { }, kernel with { Added = DateTimeOffset.UtcNow, AddedBy = "other" }));

    private static string Of(
        BuildSubmission? submitted = null,
        StoredKernel? of = null,
        ServicePolicy? policy = null,
        string engine = "1"
    ) => BuildIdentity.Of(submitted ?? submission, of ?? kernel, policy ?? new(), engine);
}
