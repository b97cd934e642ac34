// In: the options. Out: a server that listens. What cannot be had (state, keys, certificate, address) is a problem before
// anything is served. The order of the middleware is the order in which a request is judged.

using System.Data.Common;
using System.Net;
using Elivepatch.Builder;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Api;
using Elivepatch.Server.Checks;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.FirstApi;
using Elivepatch.Server.Http;
using Elivepatch.Server.Pages;
using Elivepatch.Server.Security;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;
using Elivepatch.Server.Telemetry;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Elivepatch.Server.Hosting;

/// <summary>The service as it runs.</summary>
internal sealed partial class ServerHost : IAsyncDisposable
{
    private readonly FileLock held;
    private readonly TelemetryExport? telemetry;

    private ServerHost(WebApplication application, FileLock held, TelemetryExport? telemetry)
    {
        Application = application;
        this.held = held;
        this.telemetry = telemetry;
    }

    /// <summary>The web application.</summary>
    public WebApplication Application { get; }

    /// <summary>The addresses that it listens on, with the ports that it got.</summary>
    public IReadOnlyList<string> Addresses => [.. Application.Urls];

    /// <summary>Opens the state and makes the server, which does not listen yet.</summary>
    /// <param name="options">How it is set up.</param>
    /// <param name="adjust">Sets up the log, and what the caller wants otherwise.</param>
    /// <param name="clock">The time.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<ServerHost>> OpenAsync(
        ServerOptions options,
        Action<WebApplicationBuilder> adjust,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var opened = StateFolder.Open(options);
        if (!opened.TryGet(out var folder))
        {
            return Outcome<ServerHost>.Failure(opened.Problems);
        }

        var locked = folder.Lock();
        if (!locked.TryGet(out var held))
        {
            return Outcome<ServerHost>.Failure(locked.Problems);
        }

        var host = await OpenAsync(options, folder, held, adjust, clock, cancellation);
        if (!host.Succeeded)
        {
            held.Dispose();
        }

        return host;
    }

    /// <summary>Begins to listen; where nobody has a token yet, makes the administrator's.</summary>
    /// <returns>The administrator's token, where it was made now.</returns>
    public async Task<Outcome<NewToken?>> StartAsync(CancellationToken cancellation)
    {
        try
        {
            await Application.StartAsync(cancellation);
        }
        catch (IOException e)
        {
            return new Problem(BuilderProblems.ConfigurationInvalid, $"listen: {e.Message}");
        }

        var log = Application.Services.GetRequiredService<ILogger<ServerHost>>();
        LogListens(log, HealthEndpoints.Version, string.Join(", ", Addresses));
        Application.Lifetime.ApplicationStopped.Register(() => LogStopped(log));
        var tokens = Application.Services.GetRequiredService<TokenTable>();
        var clock = Application.Services.GetRequiredService<TimeProvider>();
        var database = Application.Services.GetRequiredService<Database>();
        try
        {
            return await TokenIssuer.IssueFirstAsync(
                tokens,
                new("administrator", [TokenScopes.Submit, TokenScopes.Read, TokenScopes.Operate]),
                clock.GetUtcNow(),
                cancellation
            );
        }
        catch (DbException e) when (database.FailureOf(e) != DatabaseFailure.Broken)
        {
            return new Problem(DatabaseProblems.DatabaseUnreachable, e.Message);
        }
    }

    [LoggerMessage(LogLevel.Information, "elivepatchd {version} listens on {addresses}")]
    private static partial void LogListens(ILogger log, string version, string addresses);

    [LoggerMessage(LogLevel.Information, "elivepatchd has stopped")]
    private static partial void LogStopped(ILogger log);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        var database = Application.Services.GetRequiredService<Database>();
        await Application.DisposeAsync();
        await database.DisposeAsync();
        telemetry?.Dispose();
        held.Dispose();
    }

    private static async Task<Outcome<ServerHost>> OpenAsync(
        ServerOptions options,
        StateFolder folder,
        FileLock held,
        Action<WebApplicationBuilder> adjust,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var opened = await OpenDatabase.RunAsync(options, cancellation);
        if (!opened.TryGet(out var database))
        {
            return Outcome<ServerHost>.Failure(opened.Problems);
        }

        var timed = await database.OpenClockAsync(clock, cancellation);
        var host = timed.TryGet(out var time)
            ? await OpenAsync(options, folder, held, database, adjust, time, cancellation)
            : Outcome<ServerHost>.Failure(timed.Problems);
        if (!host.Succeeded)
        {
            await database.DisposeAsync();
        }

        return host;
    }

    private static async Task<Outcome<ServerHost>> OpenAsync(
        ServerOptions options,
        StateFolder folder,
        FileLock held,
        Database database,
        Action<WebApplicationBuilder> adjust,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        var keys = await RegisteredKeys.OpenAsync(folder.Keys, database, cancellation);
        if (!keys.Succeeded)
        {
            return Outcome<ServerHost>.Failure(keys.Problems);
        }

        var certificate = options.Certificate is { } file ? ServerCertificate.Open(file, options.CertificateKey, clock) : null;
        if (certificate is { Succeeded: false })
        {
            return Outcome<ServerHost>.Failure(certificate.Problems);
        }

        var builds = BuildServices.Open(options);
        if (!builds.Succeeded)
        {
            return Outcome<ServerHost>.Failure(builds.Problems);
        }

        // Nothing but the options decides: no settings of the framework from files or the environment.
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = typeof(ServerHost).Assembly.GetName().Name });
        builder
            .WebHost.UseKestrelCore()
            .UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                RequestLimits.Set(kestrel.Limits);
                var log = kestrel.ApplicationServices.GetRequiredService<ILogger<ServerCertificate>>();
                foreach (var address in options.Listen)
                {
                    Listen(kestrel, address, certificate?.Value, log);
                }
            });
        AddState(builder.Services, options, folder, database, keys.Value, clock);
        builds.Value.Add(builder.Services);
        AddWeb(builder.Services, options);
        adjust(builder);
        var application = builder.Build();
        Use(application);
        Map(application, options);
        return new ServerHost(
            application,
            held,
            options.OtlpEndpoint is { } collector ? new(collector, HealthEndpoints.Version) : null
        );
    }

    private static void Listen(KestrelServerOptions kestrel, Uri address, ServerCertificate? certificate, ILogger log)
    {
        var ip = address.Host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(address.DnsSafeHost);
        kestrel.Listen(
            ip,
            address.Port,
            listen =>
            {
                if (address.Scheme == "https")
                {
                    listen.UseHttps(certificate!.Handshake(log));
                }
            }
        );
    }

    private static void AddState(
        IServiceCollection services,
        ServerOptions options,
        StateFolder folder,
        Database database,
        KeyRing keys,
        TimeProvider clock
    )
    {
        services.AddSingleton(options).AddSingleton(folder).AddSingleton(database).AddSingleton(keys).AddSingleton(clock);
        var blobs = database.OpenBlobs(folder.Blobs, Path.Combine(options.CacheFolder, "blobs"), clock);
        services.AddSingleton(blobs);
        services.AddSingleton<UploadedBlobs>();
        services.AddSingleton<BuildTable>().AddSingleton<BuildEventTable>().AddSingleton<KernelTable>();
        services.AddSingleton<TokenTable>().AddSingleton<TokenCache>().AddSingleton<SessionTable>().AddSingleton<AuditTable>();
        services.AddSingleton<BuildCache>().AddSingleton<MachineTable>().AddSingleton<WorkerTable>();
        services.AddSingleton<FirstRequestTable>().AddSingleton<FirstKernels>();
        services.AddSingleton<WithdrawalTable>().AddSingleton<ChoreTable>().AddSingleton<WithdrawalSigner>();
        services.AddSingleton<KernelsOfBuilds>().AddSingleton<ArtifactCheck>().AddSingleton<ArtifactAudit>();
        services.AddSingleton<PublishedModules>();
        services.AddHostedService<ArtifactAuditService>();
        services.AddSingleton<KeyAgreement>().AddHostedService(s => s.GetRequiredService<KeyAgreement>());
        services.AddHostedService<Retention>();
        database.AddUpkeep(services);
        blobs.AddUpkeep(services);
        services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
    }

    private static void AddWeb(IServiceCollection services, ServerOptions options)
    {
        services.AddRouting();
        services.ConfigureHttpJsonOptions(json => WebJson.Set(json.SerializerOptions));
        // A body that makes no sense is answered like every other problem.
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        const string byRoute = "Route";
        services.AddAuthenticationCore(o => o.DefaultScheme = byRoute);
        services.AddWebEncoders();
        services.AddSingleton<TokenCheck>();
        new AuthenticationBuilder(services)
            .AddScheme<AuthenticationSchemeOptions, TokenAuthentication>(TokenAuthentication.SchemeName, null)
            .AddScheme<AuthenticationSchemeOptions, SessionAuthentication>(SessionAuthentication.SchemeName, null)
            // A cookie is for pages, and a header for everything else.
            .AddPolicyScheme(
                byRoute,
                null,
                o =>
                    o.ForwardDefaultSelector = context =>
                        PageRoute.IsPage(context) ? SessionAuthentication.SchemeName : TokenAuthentication.SchemeName
            );
        // An endpoint that says nothing is for nobody without a token.
        services.AddAuthorization(o => o.FallbackPolicy = new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        RequestLimits.Add(services, options);
        ApiDescription.Add(services);
    }

    private static void Use(WebApplication application)
    {
        application.UseMiddleware<AuditTrail>();
        application.UseMiddleware<FailureResponses>();
        application.Use(ResponseHeaders.AddAsync);
        application.Use(PlainMethods.HeadAsGetAsync);
        application.UseRouting();
        application.Use(PlainMethods.OptionsAsync);
        application.UseRequestTimeouts();
        application.UseAuthentication();
        application.UseRateLimiter();
        application.UseAuthorization();
        application.Use(RequestText.RefuseOthersAsync);
    }

    private static void Map(WebApplication application, ServerOptions options)
    {
        KernelEndpoints.Map(application, options);
        BuildEndpoints.Map(application, options);
        BuildEventsEndpoint.Map(application);
        BuildResultEndpoints.Map(application);
        MachineEndpoints.Map(application);
        WithdrawalEndpoints.Map(application);
        FirstApiEndpoints.Map(application, options);
        WorkEndpoints.Map(application);
        TokenEndpoints.Map(application);
        KeyEndpoints.Map(application);
        HealthEndpoints.Map(application);
        ApiDescription.Map(application);
        PageEndpoints.Map(application);
    }
}
