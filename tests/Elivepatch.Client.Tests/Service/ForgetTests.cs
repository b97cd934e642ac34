using System.Text.Json;

namespace Elivepatch.Client.Tests.Service;

/// <summary><c>trust --forget</c>.</summary>
public sealed class ForgetTests
{
    [Fact]
    public async Task A_forgotten_server_leaves_neither_key_nor_token_and_is_asked_for_nothing()
    {
        await using var bench = await PatchBench.StartAsync(trusts: false);
        await bench.MustAsync(
            "trust",
            "--server",
            bench.Server.Url,
            "--key",
            bench.Server.Key.Public.Id,
            "--token-file",
            bench.Scratch.Write("token", "secret-token")
        );
        Assert.Equal(
            $"{bench.Server.Url}: no longer trusted; its key {bench.Server.Key.Public.Id} and the token are deleted\n",
            (await bench.MustAsync("trust", "--forget")).Output
        );
        Assert.DoesNotContain(
            "secret-token",
            File.ReadAllText(bench.Machine.PathOf("var/lib/elivepatch/config.json")),
            StringComparison.Ordinal
        );
        var asked = bench.Server.Requests.Count;
        Assert.Equal(
            "ELP1110",
            (await bench.FailAsync(4, "patch", "--server", bench.Server.Url, bench.Patch("a.patch")))[0].Code
        );
        Assert.Equal(asked, bench.Server.Requests.Count);
    }

    [Fact]
    public async Task What_was_accepted_from_it_is_named_and_is_loaded_at_boot_with_the_key_that_it_was_accepted_with()
    {
        await using var bench = await PatchBench.StartAsync();
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        var name = bench.Machine.Live.Single();
        var session = bench.Machine.NewSession();
        session.Variables["ELIVEPATCH_COMMAND"] = "/usr/local/sbin/elivepatch";
        Assert.Equal(0, await session.RunAsync("persist"));
        var output = (await bench.MustAsync("trust", "--forget", bench.Server.Url + "/")).Output;
        Assert.Contains($"{name} was accepted from it and stays as it is, also at boot", output, StringComparison.Ordinal);
        Assert.Contains($"`elivepatch disable {name}` removes it", output, StringComparison.Ordinal);
        bench.Machine.Restart("second-boot");
        await bench.MustAsync("load-persisted");
        Assert.Equal([name], bench.Machine.Live);

        // Another key than the one that it was accepted with is not its key.
        bench.Machine.Restart("third-boot");
        var ledger = bench.Ledger();
        var other = Protocol.Manifests.SigningKey.Create().Public.Pem;
        Assert.Null(
            bench.Machine.StateFolder.Write(ledger with { Livepatches = [ledger.Livepatches[0] with { PublicKey = other }] })
        );
        Assert.Equal("ELP1103", (await bench.FailAsync(4, "load-persisted"))[0].Code);
    }

    [Fact]
    public async Task Which_of_several_has_to_be_said_and_only_that_one_is_forgotten()
    {
        await using var bench = await PatchBench.StartAsync();
        await using var second = await FakeServer.StartAsync();
        await bench.MustAsync("trust", "--server", second.Url, "--key", second.Key.Public.Id);
        var problem = (await bench.FailAsync(2, "trust", "--forget"))[0];
        Assert.Contains($"elivepatch trust --forget {second.Url}", problem.Remedy, StringComparison.Ordinal);
        Assert.Contains(
            "is not trusted",
            (await bench.FailAsync(2, "trust", "--forget", "https://other.example.org"))[0].Reason,
            StringComparison.Ordinal
        );
        var report = JsonDocument.Parse((await bench.MustAsync("trust", "--forget", second.Url, "--json")).Output).RootElement;
        Assert.Equal(second.Url, report.GetProperty("server").GetString());
        await bench.MustAsync("patch", bench.Patch("a.patch"));
        Assert.Empty(second.Submissions);
    }

    [Theory]
    [InlineData("trust")]
    [InlineData("trust", "--server", "https://a.example.org")]
    [InlineData("trust", "--forget", "https://a.example.org", "--key", "x")]
    public async Task Words_that_neither_pin_nor_forget_make_no_sense(params string[] words)
    {
        await using var bench = await PatchBench.StartAsync();
        Assert.Equal(2, (await bench.RunAsync(words)).Status);
    }
}
