using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Elivepatch.Builder.Workers;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Elivepatch.Builder.Tests.Workers;

/// <summary>What a worker makes of answers, and of none.</summary>
public sealed class WorkClientTests : IAsyncDisposable
{
    private const string Page = "<html>not here</html>";
    private static readonly string build = new('b', 64);
    private static readonly string orders = JsonSerializer.Serialize(new([], 30, []), ProtocolJson.Default.WorkerOrders);
    private readonly List<WebApplication> servers = [];
    private readonly ConcurrentQueue<string> asked = [];

    private static WorkerReport Report =>
        new()
        {
            Name = "worker",
            Version = "1",
            Capabilities = [],
            Kernels = [],
            Builders = 1,
            Running = [],
        };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
        {
            await server.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(503, Page)]
    [InlineData(502, Page)]
    [InlineData(504, "")]
    [InlineData(429, "")]
    [InlineData(408, "")]
    public async Task A_server_that_is_not_well_is_asked_again(int status, string body)
    {
        using var client = Client(await AnswerAsync((status, body), (status, body), (204, "")));
        Assert.Null(await client.SendResultAsync(new(build, 1), new() { Problems = [] }, Cancellation));
        Assert.Equal(3, asked.Count);
    }

    [Fact]
    public async Task A_server_whose_database_is_away_is_asked_again()
    {
        // The server's own list has it: a worker does not know what it means.
        var unreachable = new ProblemCode(1050, ProblemKind.Environment, "the database cannot be used", "See that it runs.");
        using var client = Client(await AnswerAsync((503, Refusal(unreachable)), (204, "")));
        Assert.Null(await client.SendResultAsync(new(build, 1), new() { Problems = [] }, Cancellation));
        Assert.Equal(2, asked.Count);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(404, Page)]
    [InlineData(500, Page)]
    [InlineData(500, "{}")]
    [InlineData(400, "{\"problems\":[null]}")]
    [InlineData(302, "")]
    [InlineData(200, Page)]
    [InlineData(200, "null")]
    [InlineData(200, "{}")]
    public async Task What_is_no_answer_of_a_server_is_told_and_not_asked_for_again(int status, string body)
    {
        using var client = Client(await AnswerAsync((status, body), (200, orders)));
        var begun = await client.BeginAsync(build, Cancellation);
        Assert.Equal(ServiceProblems.ServerAnswerMalformed, Assert.Single(begun.Problems).Code);
        Assert.Single(asked);
    }

    [Fact]
    public async Task A_refusal_is_the_answer()
    {
        using var client = Client(await AnswerAsync((409, Refusal(WorkProblems.BuildHeld)), (204, "")));
        Assert.Equal(WorkProblems.BuildHeld, Assert.Single((await client.BeginAsync(build, Cancellation)).Problems).Code);
        Assert.Single(asked);
    }

    [Fact]
    public async Task The_next_server_is_asked_where_one_is_dead_and_stays_the_one_that_is_asked()
    {
        using var dead = new TcpListener(IPAddress.Loopback, 0);
        dead.Start();
        var nobody = new Uri($"http://{dead.LocalEndpoint}");
        dead.Stop();
        using var client = Client(nobody, await AnswerAsync((200, orders)));
        for (var i = 1; i <= 3; i++)
        {
            Assert.Equal(30, (await client.ReportAsync(Report, Cancellation)).Value.HeldForSeconds);
            Assert.Equal(i, asked.Count);
        }
    }

    [Fact]
    public async Task A_report_is_not_repeated_to_a_server_that_is_away()
    {
        using var client = Client(await AnswerAsync((503, "")), await AnswerAsync((503, "")));
        Assert.Equal(
            ServiceProblems.ServerUnreachable,
            Assert.Single((await client.ReportAsync(Report, Cancellation)).Problems).Code
        );
        Assert.Equal(2, asked.Count);
    }

    [Fact]
    public async Task Who_waits_for_a_server_can_be_stopped()
    {
        using var client = Client(await AnswerAsync((503, "")));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var begin = client.BeginAsync(build, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => begin);
    }

    private static string Refusal(ProblemCode code) =>
        JsonSerializer.Serialize(
            new()
            {
                Type = "x",
                Title = code.Title,
                Status = 0,
                Problems = ProblemReport.Of([new Problem(code, "as it is")]),
            },
            ProtocolJson.Default.ProblemDetails
        );

    private static WorkClient Client(params Uri[] servers) => new(servers, "token", WorkerId.New());

    // Gives its answers in turn, and the last one ever after.
    private async Task<Uri> AnswerAsync(params (int Status, string Body)[] answers)
    {
        var given = -1;
        var server = await PlainServer.StartAsync(async context =>
        {
            asked.Enqueue(context.Request.Path);
            var (status, body) = answers[Math.Min(Interlocked.Increment(ref given), answers.Length - 1)];
            await context.Request.Body.CopyToAsync(Stream.Null, Cancellation);
            context.Response.StatusCode = status;
            if (status != StatusCodes.Status204NoContent)
            {
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(body), Cancellation);
            }
        });
        servers.Add(server);
        return new(server.Urls.Single());
    }
}
