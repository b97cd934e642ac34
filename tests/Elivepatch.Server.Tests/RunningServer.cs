using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Elivepatch.Builder.Broker;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Builds;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Hosting;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Elivepatch.Server.Tests;

/// <summary>
/// A server of its own for a test: real sockets on the loopback, a state in a scratch folder, and nobody who takes builds.
/// </summary>
internal sealed class RunningServer : IAsyncDisposable
{
    private readonly ServerHost host;
    private readonly Scratch? scratch;

    private RunningServer(ServerHost host, Scratch? scratch, string? administrator)
    {
        this.host = host;
        this.scratch = scratch;
        Administrator = administrator;
        Address = new(host.Addresses[0]);
        Client = new() { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(60) };
    }

    public Uri Address { get; }

    /// <summary>Asks without a token.</summary>
    public HttpClient Client { get; }

    /// <summary>The secret that the first start made.</summary>
    public string? Administrator { get; }

    public required SetClock Clock { get; init; }

    public IServiceProvider Services => host.Application.Services;

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    public static ServerOptions Options(string state) =>
        new()
        {
            StateFolder = state,
            CacheFolder = Path.Combine(state, "cache"),
            Listen = [new("http://127.0.0.1:0")],
        };

    public static async Task<RunningServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null, string? state = null)
    {
        var scratch = state is null ? new Scratch() : null;
        var options = Options(state ?? scratch!.PathOf("state"));
        var clock = new SetClock();
        var opened = await ServerHost.OpenAsync(
            change?.Invoke(options) ?? options,
            builder => RemoveDispatcher(builder.Services),
            clock,
            TestContext.Current.CancellationToken
        );
        Assert.True(opened.Succeeded, string.Join('\n', opened.Problems));
        var administrator = await opened.Value.StartAsync(TestContext.Current.CancellationToken);
        return new(opened.Value, scratch, administrator.Value?.Secret) { Clock = clock };
    }

    /// <summary>A client with a new token.</summary>
    public async Task<HttpClient> WithScopesAsync(params string[] scopes)
    {
        var made = await TokenIssuer.IssueAsync(
            Get<TokenTable>(),
            new($"test {string.Join(' ', scopes)}", scopes),
            Clock.Now,
            TestContext.Current.CancellationToken
        );
        return WithSecret(made.Value.Secret);
    }

    public HttpClient WithSecret(string secret)
    {
        var client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(60) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret);
        return client;
    }

    /// <summary>Puts a kernel and a build of it into the state, as if somebody had submitted it.</summary>
    public Task<StoredBuild> AddBuildAsync(string id, string token = "somebody", int age = 0) =>
        AddBuildAsync(Get<KernelTable>(), Get<BuildTable>(), id, Clock.Now.AddMinutes(-age), token);

    public static async Task<StoredBuild> AddBuildAsync(
        KernelTable kernels,
        BuildTable builds,
        string id,
        DateTimeOffset time,
        string token = "somebody"
    )
    {
        await kernels.AddAsync(
            new("kernel", "6.12.0-test", "00ff", "x86_64", "gcc", new('a', 64), null, null, time, "test"),
            TestContext.Current.CancellationToken
        );
        var build = new StoredBuild
        {
            Id = id,
            Kernel = "kernel",
            Release = "6.12.0-test",
            Submission = new('b', 64),
            Patches = [new("fix.patch", new('c', 64))],
            Token = token,
            Requester = "a machine",
            Submitted = time,
        };
        return (await builds.SubmitAsync(build, TestContext.Current.CancellationToken)).Build;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await host.DisposeAsync();
        scratch?.Dispose();
    }

    // One with a broker has none.
    private static void RemoveDispatcher(IServiceCollection services)
    {
        var found = services.SingleOrDefault(s =>
            s.ServiceType == typeof(IHostedService) && s.ImplementationType == typeof(BuildDispatcher)
        );
        Assert.Equal(services.Any(s => s.ServiceType == typeof(BrokerAddress)), found is null);
        if (found is not null)
        {
            services.Remove(found);
        }
    }
}

internal static class Answered
{
    /// <summary>The answer is a problem with this number and status, in the form of RFC 9457.</summary>
    public static async Task<ProblemDetails> RefusedAsync(HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(status == answer.StatusCode, $"{(int)answer.StatusCode}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var details = JsonSerializer.Deserialize(text, ProtocolJson.Default.ProblemDetails)!;
        Assert.Equal((int)status, details.Status);
        Assert.Equal($"urn:elivepatch:problem:{code}", details.Type);
        Assert.Equal(code, details.Problems[0].Code);
        Assert.Equal(details.Title, details.Problems[0].Title);
        Assert.Equal(details.Detail, details.Problems[0].Reason);
        Assert.NotEmpty(details.Problems[0].Remedy);
        return details;
    }

    public static async Task<T> ValueAsync<T>(HttpResponseMessage answer, HttpStatusCode status = HttpStatusCode.OK)
    {
        Assert.True(
            status == answer.StatusCode,
            $"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}"
        );
        return (await answer.Content.ReadFromJsonAsync<T>(ProtocolJson.Default.Options, TestContext.Current.CancellationToken))!;
    }
}
