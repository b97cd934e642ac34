using System.CommandLine;
using System.Text.Json;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Commands;

namespace Elivepatch.Server.Tests.Commands;

/// <summary>The command of the operator.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly CommandRun run = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Verbs
    {
        get
        {
            using var one = new CommandRun();
            return [.. Paths(CommandLine.CreateRoot(one.Session), "")];
        }
    }

    public void Dispose() => run.Dispose();

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_has_a_help_that_teaches(string verb)
    {
        Assert.Equal(0, await run.RunAsync([.. verb.Split(' '), "--help"]));
        Assert.Contains("Usage:", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"Examples?:\n  ([A-Z_]+=\S+ )?elivepatchd", run.Output);
        Assert.Empty(run.Error);
        Assert.False(Directory.Exists(run.State));
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("serve", "extra")]
    [InlineData("--frobnicate")]
    [InlineData("tokens")]
    [InlineData("tokens", "create")]
    [InlineData("tokens", "create", "x", "--days", "soon")]
    [InlineData("keys", "frobnicate")]
    [InlineData("audit", "--last", "0")]
    public async Task A_command_line_that_makes_no_sense_has_status_2(params string[] words)
    {
        Assert.Equal(2, await run.RunAsync(words));
        Assert.StartsWith("ELP0950 ", run.Error, StringComparison.Ordinal);
        Assert.Contains("--help`", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Theory]
    [InlineData("--builders", "0")]
    [InlineData("serve", "--builders", "many")]
    [InlineData("serve", "--listen", "http://nowhere.invalid:1")]
    [InlineData("serve", "--certificate", "/nonexistent.pem", "--listen", "https://127.0.0.1:0")]
    [InlineData("serve", "--config", "/nonexistent.json")]
    [InlineData("serve", "--sources", "[{\"kind\":\"mirror\",\"location\":\"https://m.invalid\",\"digests\":\"/nonexistent\"}]")]
    public async Task A_setting_that_makes_no_sense_keeps_the_server_from_starting(params string[] words)
    {
        Assert.Equal(2, await run.RunAsync(words));
        Assert.StartsWith("ELP1017 invalid configuration\n", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Fact]
    public async Task An_unknown_variable_keeps_every_verb_from_running()
    {
        run.Variables["ELIVEPATCHD_STATE"] = "/x";
        foreach (var words in new[] { ["serve"], ["tokens", "list"], ["keys", "list"], new[] { "audit" } })
        {
            Assert.Equal(2, await run.RunAsync(words));
            Assert.Contains("ELIVEPATCHD_STATE in the environment", run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_address_that_is_taken_is_a_problem()
    {
        await using var server = await RunningServer.StartAsync();
        Assert.Equal(2, await run.RunAsync("serve", "--listen", server.Address.AbsoluteUri));
        Assert.Contains("ELP1017", run.Error, StringComparison.Ordinal);
        Assert.Contains(
            server.Address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture),
            run.Error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_token_that_the_command_makes_is_good_at_once_and_revoked_within_two_seconds()
    {
        await using var server = await RunningServer.StartAsync(state: run.State);
        Assert.Equal(0, await run.RunAsync("tokens", "create", "web-17", "--scope", "read", "--days", "30", "--json"));
        var made = JsonSerializer.Deserialize(run.Output, ProtocolJson.Default.NewToken)!;
        Assert.Equal(["read"], made.Token.Scopes);
        // The clock of the test's server is not that of the command.
        server.Clock.Now = DateTimeOffset.UtcNow;
        using var client = server.WithSecret(made.Secret);
        Assert.Equal(System.Net.HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);

        Assert.Equal(0, await run.RunAsync("tokens", "list"));
        Assert.Contains("web-17", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("elp_", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, await run.RunAsync("tokens", "revoke", made.Token.Id));
        await Task.Delay(2100, Cancellation);
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);

        Assert.Equal(0, await run.RunAsync("audit", "--json"));
        var actions = JsonDocument
            .Parse(run.Output)
            .RootElement.EnumerateArray()
            .Select(e => (e.GetProperty("action").GetString(), e.GetProperty("subject").GetString()))
            .ToList();
        Assert.Contains(("tokens create", made.Token.Id), actions);
        Assert.Contains(("tokens revoke", made.Token.Id), actions);
    }

    [Fact]
    public async Task A_token_for_a_machine_may_submit_and_read_and_the_secret_alone_is_printed()
    {
        Assert.Equal(0, await run.RunAsync("tokens", "create", "web-17"));
        Assert.Matches("^elp_[A-Za-z0-9_-]{43}\n$", run.Output);
        Assert.Equal(0, await run.RunAsync("tokens", "list", "--json"));
        var token = Assert.Single(JsonSerializer.Deserialize(run.Output, ProtocolJson.Default.IReadOnlyListTokenView)!);
        Assert.Equal(["submit", "read", "report"], token.Scopes);
        Assert.Null(token.Expires);
    }

    [Theory]
    [InlineData("tokens", "create", "x", "--scope", "root")]
    [InlineData("tokens", "create", "")]
    [InlineData("tokens", "create", "x", "--days", "0")]
    [InlineData("tokens", "revoke", "0123")]
    public async Task A_token_that_cannot_be_is_a_problem_with_a_number(params string[] words)
    {
        Assert.Equal(2, await run.RunAsync([.. words, "--json"]));
        var problem = Assert.Single(JsonSerializer.Deserialize(run.Output, ProtocolJson.Default.IReadOnlyListProblemReport)!);
        Assert.StartsWith("ELP10", problem.Code, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rotated_key_follows_the_one_before_also_in_a_server_that_runs()
    {
        await using var server = await RunningServer.StartAsync(state: run.State);
        Assert.Equal(0, await run.RunAsync("keys", "export"));
        var first = PublicKey.Read(run.Output).Value;
        Assert.Equal(0, await run.RunAsync("keys", "rotate", "--json"));
        var second = JsonSerializer.Deserialize(run.Output, ProtocolJson.Default.KeyView)!;
        Assert.True(second.IsCurrent);
        Assert.Equal(0, await run.RunAsync("keys", "list", "--json"));
        Assert.Equal(2, JsonSerializer.Deserialize(run.Output, ProtocolJson.Default.IReadOnlyListKeyView)!.Count);
        Assert.Equal(0, await run.RunAsync("keys", "list"));
        Assert.Contains(second.Id, run.Output, StringComparison.Ordinal);

        var shown = await Answered.ValueAsync<IReadOnlyList<KeyView>>(await server.Client.GetAsync(ApiRoutes.Keys, Cancellation));
        Assert.Equal(second.Id, KeyChain.Follow(shown, first).Value.Id);
    }

    [Fact]
    public async Task A_state_that_cannot_be_made_is_a_problem()
    {
        run.Variables["ELIVEPATCHD_CACHE_FOLDER"] = "/dev/null/cache";
        Assert.Equal(1, await run.RunAsync("serve", "--listen", "http://127.0.0.1:0"));
        Assert.StartsWith("ELP0", run.Error, StringComparison.Ordinal);
        run.Variables.Remove("ELIVEPATCHD_CACHE_FOLDER");
        Assert.Equal(1, await run.RunAsync("serve", "--state-folder", "/dev/null/state"));
        Assert.StartsWith("ELP1016", run.Error, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Paths(Command command, string prefix) =>
        command.Subcommands.SelectMany(c => c.Subcommands.Count > 0 ? Paths(c, $"{prefix}{c.Name} ") : [prefix + c.Name]);
}
