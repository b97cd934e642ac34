using System.Globalization;
using System.Net;
using System.Text.Json;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Tests.Api;

/// <summary>Following a build.</summary>
public sealed class EventStreamTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_come_as_they_happen_and_the_stream_ends_with_the_build()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        using var answer = await OpenAsync(client, null);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        await using var events = ReadAsync(answer).GetAsyncEnumerator(Cancellation);

        Assert.Equal((1, "queued"), await NextAsync(events));
        await server.Get<BuildTable>().TakeAsync("worker", Cancellation);
        Assert.Equal((2, "running"), await NextAsync(events));
        await server
            .Get<BuildEventTable>()
            .AddAsync("build", new(0, default, BuildEventKind.Log, "", "a line\nand another"), Cancellation);
        Assert.Equal((3, "a line\nand another"), await NextAsync(events));
        await server
            .Get<BuildTable>()
            .FinishAsync(new("build", "worker", 1), new() { State = BuildState.Succeeded }, Cancellation);
        Assert.Equal((4, "succeeded"), await NextAsync(events));
        Assert.False(await events.MoveNextAsync());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("7")]
    [InlineData("12")]
    public async Task A_client_that_comes_back_gets_the_rest_and_nothing_twice(string last)
    {
        await using var server = await RunningServer.StartAsync();
        await EndedAsync(server, lines: 10);
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        using var answer = await OpenAsync(client, last);
        var numbers = new List<long>();
        await foreach (var happened in ReadAsync(answer))
        {
            numbers.Add(happened.Sequence);
        }

        var first = long.Parse(last, CultureInfo.InvariantCulture) + 1;
        Assert.Equal(Enumerable.Range(0, (int)(14 - first)).Select(i => first + i), numbers);
    }

    [Theory]
    [InlineData("13")]
    [InlineData("9223372036854775807")]
    public async Task A_client_that_has_everything_gets_an_empty_stream(string last)
    {
        await using var server = await RunningServer.StartAsync();
        await EndedAsync(server, lines: 10);
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        using var answer = await OpenAsync(client, last);
        Assert.Empty(await answer.Content.ReadAsStringAsync(Cancellation));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("x")]
    [InlineData("1 OR 1=1")]
    [InlineData("9223372036854775808")]
    [InlineData("0x10")]
    [InlineData("1,2")]
    public async Task A_number_that_is_none_is_refused(string last)
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        await Answered.RefusedAsync(await OpenAsync(client, last), HttpStatusCode.BadRequest, "ELP1006");
    }

    [Fact]
    public async Task A_stream_on_which_nothing_happens_shows_that_it_lives()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        using var answer = await OpenAsync(client, "1");
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation));
        // A comment, as HTML has it.
        Assert.Equal(":", await reader.ReadLineAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(40), Cancellation));
        Assert.Equal("", await reader.ReadLineAsync(Cancellation));
    }

    [Fact]
    public async Task A_server_that_ends_ends_its_streams()
    {
        using var scratch = new Scratch();
        HttpResponseMessage answer;
        await using (var server = await RunningServer.StartAsync(state: scratch.Folder))
        {
            await server.AddBuildAsync("build");
            using var client = await server.WithScopesAsync(TokenScopes.Read);
            answer = await OpenAsync(client, null);
            await using var events = ReadAsync(answer).GetAsyncEnumerator(Cancellation);
            Assert.Equal((1, "queued"), await NextAsync(events));
            var rest = events.MoveNextAsync().AsTask();
            var stopping = server.Get<Microsoft.Extensions.Hosting.IHostApplicationLifetime>();
            stopping.StopApplication();
            Assert.False(await rest.WaitAsync(TimeSpan.FromSeconds(10), Cancellation));
        }

        answer.Dispose();
    }

    [Fact]
    public async Task A_token_can_follow_64_builds_at_once_and_no_more()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddBuildAsync("build");
        using var client = await server.WithScopesAsync(TokenScopes.Read);
        var open = await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => OpenAsync(client, null)));
        Assert.All(open, o => Assert.Equal(HttpStatusCode.OK, o.StatusCode));
        await Answered.RefusedAsync(await OpenAsync(client, null), HttpStatusCode.TooManyRequests, "ELP1008");
        using var other = await server.WithScopesAsync(TokenScopes.Read, TokenScopes.Submit);
        using var others = await OpenAsync(other, null);
        Assert.Equal(HttpStatusCode.OK, others.StatusCode);
        // Whoever hangs up makes room.
        open[0].Dispose();
        for (var tries = 0; ; tries++)
        {
            using var again = await OpenAsync(client, null);
            if (again.StatusCode == HttpStatusCode.OK)
            {
                break;
            }

            Assert.True(tries < 100);
            await Task.Delay(100, Cancellation);
        }

        foreach (var one in open)
        {
            one.Dispose();
        }
    }

    private static async Task EndedAsync(RunningServer server, int lines)
    {
        await server.AddBuildAsync("build");
        await server.Get<BuildTable>().TakeAsync("worker", Cancellation);
        for (var i = 0; i < lines; i++)
        {
            await server.Get<BuildEventTable>().AddAsync("build", new(0, default, BuildEventKind.Log, "", "line"), Cancellation);
        }

        await server.Get<BuildTable>().FinishAsync(new("build", "worker", 1), new() { State = BuildState.Failed }, Cancellation);
    }

    private static Task<HttpResponseMessage> OpenAsync(HttpClient client, string? last)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.Events("build"));
        if (last is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        }

        return client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static async Task<(long Number, string Detail)> NextAsync(IAsyncEnumerator<BuildEvent> events)
    {
        Assert.True(await events.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), Cancellation));
        return (events.Current.Sequence, events.Current.Detail);
    }

    // As HTML has it: fields line by line, an event ends with an empty line.
    private static async IAsyncEnumerable<BuildEvent> ReadAsync(HttpResponseMessage answer)
    {
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation));
        string? id = null;
        while (await reader.ReadLineAsync(Cancellation) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                id = line[4..];
            }

            if (!line.StartsWith("data: ", StringComparison.Ordinal))
            {
                continue;
            }

            var happened = JsonSerializer.Deserialize(line[6..], ProtocolJson.Default.BuildEvent)!;
            Assert.Equal(id, happened.Sequence.ToString(CultureInfo.InvariantCulture));
            yield return happened;
        }
    }
}
