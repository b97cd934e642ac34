using System.Net;
using System.Text;
using System.Text.Json;
using Elivepatch.Builder.Jobs;
using Elivepatch.Kernel;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Elivepatch.Server.Tests.Builds;
using static Elivepatch.Server.Tests.Builds.Workbench;
using static Elivepatch.Server.Tests.Kernels.KernelRegistryTests;

namespace Elivepatch.Server.Tests.Kernels;

/// <summary>A source or a boot image decides what comes of builds: of whose builds, is shown here.</summary>
public sealed class UploadedPartTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_part_is_of_the_token_that_sent_it()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = await KernelAsync(bench);
        Assert.Equal(KernelState.Ready, Get(await SendAsync(bench, kernel, await TarAsync(bench, "one"), "one")).State);
        var other = Get(await bench.Registry.FindAsync(kernel, "other", Cancellation));
        Assert.Equal(KernelState.Incomplete, other.State);
        Assert.Contains(other.Missing, m => m is { Name: KernelParts.Source, CanBeSent: true });
        // A token whose id begins like the other's is another one.
        Assert.Equal(KernelState.Incomplete, Get(await bench.Registry.FindAsync(kernel, "on", Cancellation)).State);
        Assert.Equal(KernelState.Incomplete, Get(await bench.Registry.FindAsync(kernel, "%", Cancellation)).State);
        Assert.Equal(KernelState.Incomplete, Assert.Single(await bench.Registry.ListAsync("other", Cancellation)).State);
    }

    [Fact]
    public async Task Of_many_that_send_a_part_at_once_each_has_its_own()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = await KernelAsync(bench);
        var blobs = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => TarAsync(bench, $"source {i}")));
        await Task.WhenAll(blobs.Select((b, i) => SendAsync(bench, kernel, b, $"token {i}")));
        for (var i = 0; i < blobs.Length; i++)
        {
            Assert.Equal(blobs[i], (await bench.Kernels.FindAsync(kernel, $"token {i}", Cancellation))!.Source);
        }
    }

    [Fact]
    public async Task What_the_operator_sent_is_everybodys_and_comes_before_ones_own()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = await KernelAsync(bench);
        var (own, provided) = (await TarAsync(bench, "own"), await TarAsync(bench, "provided"));
        Get(await SendAsync(bench, kernel, own, "token"));
        Get(await SendAsync(bench, kernel, provided, KernelTable.Operator));
        Assert.Equal(provided, (await bench.Kernels.FindAsync(kernel, "token", Cancellation))!.Source);
        Assert.Equal(provided, (await bench.Kernels.FindAsync(kernel, "other", Cancellation))!.Source);
    }

    [Fact]
    public async Task No_token_gets_a_build_from_the_source_of_another()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = await KernelAsync(bench);
        Get(await SendAsync(bench, kernel, await TarAsync(bench, "of the thief"), "thief"));
        var stolen = Get(await SubmitAsync(bench, kernel, "thief"));

        // The same request, from another: not answered with that build.
        var refused = await SubmitAsync(bench, kernel, "victim");
        Assert.Equal(ServiceProblems.KernelIncomplete, Assert.Single(refused.Problems).Code);
        Get(await SendAsync(bench, kernel, await TarAsync(bench, "of the victim"), "victim"));
        var own = Get(await SubmitAsync(bench, kernel, "victim"));
        Assert.NotEqual(stolen.Id, own.Id);

        // What the builder gets.
        var sources = await SourcesOfBuildsAsync(bench, stolen.Id, own.Id);
        Assert.Contains("of the thief", sources[stolen.Id], StringComparison.Ordinal);
        Assert.Contains("of the victim", sources[own.Id], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Equal_sources_of_two_tokens_are_one_build()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = await KernelAsync(bench);
        Get(await SendAsync(bench, kernel, await TarAsync(bench, "same"), "one"));
        Get(await SendAsync(bench, kernel, await TarAsync(bench, "same"), "two"));
        Assert.Equal(Get(await SubmitAsync(bench, kernel, "one")).Id, Get(await SubmitAsync(bench, kernel, "two")).Id);
    }

    [Fact]
    public async Task A_build_that_waits_keeps_its_source_though_another_one_comes()
    {
        using var bench = await OpenAsync(sources: []);
        var kernel = await KernelAsync(bench);
        Get(await SendAsync(bench, kernel, await TarAsync(bench, "the first"), "token"));
        var first = Get(await SubmitAsync(bench, kernel, "token"));
        Get(await SendAsync(bench, kernel, await TarAsync(bench, "the second"), "token"));
        var second = Get(await SubmitAsync(bench, kernel, "token"));
        Get(await SendAsync(bench, kernel, await TarAsync(bench, "of the operator"), KernelTable.Operator));

        var sources = await SourcesOfBuildsAsync(bench, first.Id, second.Id);
        Assert.Contains("the first", sources[first.Id], StringComparison.Ordinal);
        Assert.Contains("the second", sources[second.Id], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_parts_of_one_token_have_a_bound_together()
    {
        using var bench = await OpenAsync(new() { PartBytesPerToken = 3000 }, sources: []);
        var (one, other) = (await KernelAsync(bench), await KernelAsync(bench, offset: 0x48));
        // A small archive has 2048 bytes.
        Get(await SendAsync(bench, one, await TarAsync(bench, "first"), "token"));
        Get(await SendAsync(bench, one, await TarAsync(bench, "in its place"), "token"));
        var refused = await SendAsync(bench, other, await TarAsync(bench, "more"), "token");
        Assert.Equal(ServerProblems.PartsTooLarge, Assert.Single(refused.Problems).Code);
        Get(await SendAsync(bench, other, await TarAsync(bench, "more"), "other token"));
        Get(await SendAsync(bench, one, await TarAsync(bench, "more"), KernelTable.Operator));
        Get(await SendAsync(bench, other, await TarAsync(bench, "more"), KernelTable.Operator));
    }

    [Fact]
    public async Task Over_http_the_token_decides_whose_a_part_is()
    {
        await using var server = await RunningServer.StartAsync(o => o with { Sources = [] });
        using var bench = await OpenAsync();
        using var one = await server.WithScopesAsync(TokenScopes.Submit, TokenScopes.Read);
        using var other = await server.WithScopesAsync(TokenScopes.Submit, TokenScopes.Read);
        using var operating = server.WithSecret(server.Administrator!);
        using var capture = new ByteArrayContent(await CaptureAsync(bench));
        var kernel = await Answered.ValueAsync<KernelView>(await one.PostAsync(ApiRoutes.Kernels, capture, Cancellation));

        using var source = new ByteArrayContent(await TarAsync("own"));
        var sent = await one.PutAsync(ApiRoutes.KernelPart(kernel.Id, KernelParts.Source), source, Cancellation);
        Assert.Equal(KernelState.Ready, (await Answered.ValueAsync<KernelView>(sent)).State);
        Assert.Equal(KernelState.Ready, await StateAsync(one));
        Assert.Equal(KernelState.Incomplete, await StateAsync(other));
        Assert.Equal(KernelState.Incomplete, await StateAsync(operating));
        var submission = new BuildSubmission { Kernel = kernel.Id, Patches = [new("fix.patch", "patch"u8.ToArray())] };
        using var asked = new StringContent(
            JsonSerializer.Serialize(submission, ProtocolJson.Default.BuildSubmission),
            Encoding.UTF8,
            "application/json"
        );
        await Answered.RefusedAsync(
            await other.PostAsync(ApiRoutes.Builds, asked, Cancellation),
            HttpStatusCode.Conflict,
            "ELP1011"
        );

        using var provided = new ByteArrayContent(await TarAsync("provided"));
        await Answered.ValueAsync<KernelView>(
            await operating.PutAsync(ApiRoutes.KernelPart(kernel.Id, KernelParts.Source), provided, Cancellation)
        );
        Assert.Equal(KernelState.Ready, await StateAsync(other));

        async Task<KernelState> StateAsync(HttpClient client)
        {
            var listed = await Answered.ValueAsync<IReadOnlyList<KernelView>>(
                await client.GetAsync(ApiRoutes.Kernels, Cancellation)
            );
            var found = await Answered.ValueAsync<KernelView>(await client.GetAsync(ApiRoutes.Kernel(kernel.Id), Cancellation));
            Assert.Equal(found.State, Assert.Single(listed).State);
            return found.State;
        }
    }

    [Fact]
    public async Task What_a_token_sent_ends_with_it()
    {
        using var bench = await OpenAsync(sources: []);
        var tokens = new TokenTable(bench.Database);
        var now = DateTimeOffset.UtcNow;
        await tokens.AddAsync(new("lives", "a", "1", [], now, now.AddDays(1)), Cancellation);
        await tokens.AddAsync(new("revoked", "b", "2", [], now), Cancellation);
        await tokens.AddAsync(new("expired", "c", "3", [], now.AddDays(-2), now.AddDays(-1)), Cancellation);
        await tokens.RevokeAsync("revoked", now, Cancellation);
        var kernel = await KernelAsync(bench);
        foreach (var token in (string[])["lives", "revoked", "expired", KernelTable.Operator])
        {
            Get(await SendAsync(bench, kernel, await TarAsync(bench, token), token));
        }

        Assert.Equal(2, await bench.Kernels.RemovePartsOfEndedTokensAsync(now, Cancellation));
        Assert.Equal(0, await bench.Kernels.RemovePartsOfEndedTokensAsync(now, Cancellation));
        Assert.True(await bench.Kernels.RemoveAsync(kernel, Cancellation));
    }

    private static async Task<string> KernelAsync(Workbench bench, ulong offset = 0x40)
    {
        var capture = (await bench.Blobs.PutAsync(await CaptureAsync(bench, offset: offset), Cancellation)).Value;
        return Get(await bench.Registry.RegisterAsync(capture, "token", "machine", Cancellation)).Id;
    }

    private static Task<Outcome<KernelView>> SendAsync(Workbench bench, string kernel, string source, string token) =>
        bench.Registry.AddPartAsync(kernel, KernelParts.Source, source, token, Cancellation);

    private static Task<Outcome<StoredBuild>> SubmitAsync(Workbench bench, string kernel, string token) =>
        bench.Intake.SubmitAsync(
            new() { Kernel = kernel, Patches = [new("fix.patch", "patch"u8.ToArray())] },
            token,
            token,
            Cancellation
        );

    private static async Task<Dictionary<string, string>> SourcesOfBuildsAsync(Workbench bench, params string[] builds)
    {
        var sources = new Dictionary<string, string>();
        using var dispatcher = bench.Dispatcher(
            async (order, _, cancellation) =>
            {
                var text = await File.ReadAllTextAsync(order.SourcePath!, cancellation);
                Assert.Equal(
                    order.Kernel.Source,
                    ContentDigest.Of(await File.ReadAllBytesAsync(order.SourcePath!, cancellation)).Hex
                );
                lock (sources)
                {
                    sources[order.Id] = text;
                }

                return new BuildProduct { Problems = [new(PatchProblems.NothingChanged, "test")] };
            },
            builders: 1
        );
        await dispatcher.StartAsync(Cancellation);
        foreach (var build in builds)
        {
            await bench.EndOfAsync(build);
        }

        await dispatcher.StopAsync(Cancellation);
        return sources;
    }
}
