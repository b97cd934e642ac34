using System.Net;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Tests.Api;

/// <summary>What load balancers and download tools ask before they ask.</summary>
public sealed class PlainMethodTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/api/v1/builds")]
    [InlineData("/api/v1/openapi.json")]
    public async Task Head_is_answered_as_get_without_the_body(string path)
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var got = await client.GetAsync(path, Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var head = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(got.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(Cancellation));
    }

    [Fact]
    public async Task Head_needs_the_token_that_get_needs()
    {
        await using var server = await RunningServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Head, ApiRoutes.Builds);
        using var head = await server.Client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, head.StatusCode);
    }

    [Fact]
    public async Task The_head_of_something_unknown_says_so()
    {
        await using var server = await RunningServer.StartAsync();
        using var client = server.WithSecret(server.Administrator!);
        using var request = new HttpRequestMessage(HttpMethod.Head, ApiRoutes.Artifact(new string('a', 64)));
        using var head = await client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, head.StatusCode);
    }

    [Theory]
    [InlineData("/health/live", "GET")]
    [InlineData("/api/v1/builds", "GET,POST")]
    public async Task Options_says_which_methods_there_are(string path, string methods)
    {
        await using var server = await RunningServer.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Options, path);
        using var answer = await server.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(methods, string.Join(',', answer.Content.Headers.Allow.Order(StringComparer.Ordinal)));
    }
}
