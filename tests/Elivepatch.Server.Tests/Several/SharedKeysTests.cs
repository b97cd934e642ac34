using System.Net;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Hosting;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;
using Elivepatch.Server.Tests.Commands;

namespace Elivepatch.Server.Tests.Several;

/// <summary>Servers of one database sign with the same keys.</summary>
public sealed class SharedKeysTests(SharedPostgres postgres) : IAsyncLifetime
{
    private readonly Scratch scratch = new();
    private string text = "";
    private PostgresAddress address = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => address = PostgresAddress.Parse(text = await postgres.NewTextAsync()).Value;

    public ValueTask DisposeAsync()
    {
        scratch.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_server_with_keys_of_its_own_does_not_start_and_says_what_to_do()
    {
        await using var first = await StartAsync("one", "keys");
        KeyRing.Open(scratch.PathOf("own")).Value.Dispose();
        var problem = Assert.Single((await TryStartAsync("two", "own")).Problems);
        Assert.Equal("ELP1051", problem.Code.Id);
        Assert.Contains(first.Get<KeyRing>().Current.Id, problem.Reason, StringComparison.Ordinal);
        Assert.Contains("keysFolder", problem.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_keys_makes_none_where_others_sign_already()
    {
        await using var first = await StartAsync("one", "keys");
        Assert.Equal("ELP1051", Assert.Single((await TryStartAsync("two", "empty")).Problems).Code.Id);
        Assert.False(Directory.Exists(scratch.PathOf("empty")));
    }

    [Fact]
    public async Task A_rotation_by_the_command_reaches_all_servers_that_share_the_folder()
    {
        await using var one = await StartAsync("one", "keys");
        await using var two = await StartAsync("two", "keys");
        var before = two.Get<KeyRing>().Current.Id;
        using var command = new CommandRun();
        Assert.Equal(0, await command.RunAsync("keys", "rotate", "--database", text, "--keys-folder", scratch.PathOf("keys")));
        var keys = await Answered.ValueAsync<IReadOnlyList<KeyView>>(await two.Client.GetAsync(ApiRoutes.Keys, Cancellation));
        Assert.Equal(2, keys.Count);
        Assert.NotEqual(before, two.Get<KeyRing>().Current.Id);
        Assert.Equal(one.Get<KeyRing>().Current.Id, two.Get<KeyRing>().Current.Id);
        Assert.Null(await RegisteredKeys.ReconcileAsync(two.Get<KeyRing>(), two.Get<Database>(), Cancellation));
        await using var third = await StartAsync("three", "keys");
        Assert.Equal(one.Get<KeyRing>().Current.Id, third.Get<KeyRing>().Current.Id);
    }

    [Fact]
    public async Task A_server_whose_copied_folder_misses_a_rotation_says_so()
    {
        await using var one = await StartAsync("one", "keys");
        Copy("keys", "copy");
        await using var two = await StartAsync("two", "copy");
        Assert.Equal(HttpStatusCode.OK, (await two.Client.GetAsync(ApiRoutes.Ready, Cancellation)).StatusCode);
        one.Get<KeyRing>().Rotate();
        Assert.Null(await RegisteredKeys.ReconcileAsync(one.Get<KeyRing>(), one.Get<Database>(), Cancellation));
        await two.Get<KeyAgreement>().CheckAsync(Cancellation);
        using var ready = await two.Client.GetAsync(ApiRoutes.Ready, Cancellation);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Contains("keys", await ready.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal("ELP1051", Assert.Single((await TryStartAsync("three", "copy")).Problems).Code.Id);
        // Copied again it agrees, without a restart.
        Copy("keys", "copy");
        await two.Get<KeyAgreement>().CheckAsync(Cancellation);
        Assert.Equal(HttpStatusCode.OK, (await two.Client.GetAsync(ApiRoutes.Ready, Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Tokens_and_the_audit_log_are_reached_by_the_commands_too()
    {
        await using var server = await StartAsync("one", "keys");
        using var command = new CommandRun();
        command.Variables["ELIVEPATCHD_DATABASE"] = text;
        Assert.Equal(0, await command.RunAsync("tokens", "create", "web-17"));
        using var client = server.WithSecret(command.Output.Trim());
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(ApiRoutes.Builds, Cancellation)).StatusCode);
        Assert.Equal(0, await command.RunAsync("tokens", "list"));
        Assert.Contains("web-17", command.Output, StringComparison.Ordinal);
        Assert.Equal(0, await command.RunAsync("audit"));
        Assert.Contains("tokens create", command.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(command.State));
    }

    [Theory]
    [InlineData("tokens", "list")]
    [InlineData("keys", "list")]
    [InlineData("audit")]
    [InlineData("serve")]
    public async Task What_goes_wrong_is_said_without_the_password(params string[] words)
    {
        using var command = new CommandRun();
        command.Variables["ELIVEPATCHD_DATABASE"] = "postgres://me:s3cret@127.0.0.1:1/name";
        Assert.NotEqual(0, await command.RunAsync(words));
        Assert.StartsWith("ELP1050 ", command.Error, StringComparison.Ordinal);
        command.Variables["ELIVEPATCHD_DATABASE"] = "postgres://me:s3cret@127.0.0.1:x/name";
        Assert.NotEqual(0, await command.RunAsync(words));
        Assert.Contains("ELIVEPATCHD_DATABASE in the environment", command.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", command.Error + command.Output, StringComparison.Ordinal);
    }

    private async Task<RunningServer> StartAsync(string name, string keys) =>
        await RunningServer.StartAsync(
            o => o with { Database = address, KeysFolder = scratch.PathOf(keys) },
            scratch.PathOf(name)
        );

    private async Task<Elivepatch.Model.Outcome<ServerHost>> TryStartAsync(string name, string keys) =>
        await ServerHost.OpenAsync(
            RunningServer.Options(scratch.PathOf(name)) with
            {
                Database = address,
                KeysFolder = scratch.PathOf(keys),
            },
            _ => { },
            TimeProvider.System,
            Cancellation
        );

    private void Copy(string from, string to)
    {
        Directory.CreateDirectory(scratch.PathOf(to), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var file in Directory.EnumerateFiles(scratch.PathOf(from)))
        {
            File.Copy(file, Path.Combine(scratch.PathOf(to), Path.GetFileName(file)), overwrite: true);
        }
    }
}
