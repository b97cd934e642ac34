using System.Text;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Api;
using Elivepatch.Server.Pages;
using Microsoft.AspNetCore.Routing;

namespace Elivepatch.Server.Tests.Api;

/// <summary>The interface is what <c>docs/api/v1.json</c> and the protocol say.</summary>
public sealed class DescriptionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_committed_description_is_what_the_server_gives_byte_for_byte()
    {
        await using var server = await RunningServer.StartAsync();
        var given = await server.Client.GetByteArrayAsync(Routes.Description, Cancellation);
        var file = Path.Combine(Repository.Root, "docs", "api", "v1.json");
        // ELIVEPATCH_UPDATE=1 writes what was changed on purpose.
        if (Environment.GetEnvironmentVariable("ELIVEPATCH_UPDATE") == "1")
        {
            await File.WriteAllBytesAsync(file, [.. given, (byte)'\n'], Cancellation);
        }

        Assert.Equal(await File.ReadAllTextAsync(file, Cancellation), Encoding.UTF8.GetString(given) + "\n");
    }

    [Fact]
    public async Task Its_paths_are_the_routes_of_the_protocol()
    {
        await using var server = await RunningServer.StartAsync();
        Assert.Equal(
            new[]
            {
                ApiRoutes.Kernels,
                ApiRoutes.Kernel("{kernel}"),
                ApiRoutes.KernelPart("{kernel}", "{part}"),
                ApiRoutes.Builds,
                ApiRoutes.Build("{build}"),
                ApiRoutes.Cancel("{build}"),
                ApiRoutes.Events("{build}"),
                ApiRoutes.Log("{build}"),
                ApiRoutes.Artifact("{build}"),
                ApiRoutes.Manifest("{build}"),
                ApiRoutes.Explanation("{build}"),
                ApiRoutes.Console("{build}"),
                ApiRoutes.Machines,
                ApiRoutes.Withdrawals,
                ApiRoutes.Withdrawal("{module}"),
                ApiRoutes.Tokens,
                ApiRoutes.Token("{token}"),
                ApiRoutes.Keys,
                ApiRoutes.Live,
                ApiRoutes.Ready,
                ApiRoutes.Workers,
                ApiRoutes.Worker("{worker}"),
                ApiRoutes.Toolchain("{digest}"),
                ApiRoutes.WorkBegin("{build}"),
                ApiRoutes.WorkInput("{build}", "{digest}"),
                ApiRoutes.WorkEvents("{build}"),
                ApiRoutes.WorkSignature("{build}"),
                ApiRoutes.WorkResult("{build}"),
                ApiRoutes.WorkRelease("{build}"),
                ApiRoutes.Root + "/openapi.json",
            }
                .Select(Uri.UnescapeDataString)
                .Order(StringComparer.Ordinal),
            server
                .Get<EndpointDataSource>()
                .Endpoints.OfType<RouteEndpoint>()
                .Where(e => e.Metadata.GetMetadata<PageRoute>() is null)
                .Select(e => e.RoutePattern.RawText!)
                .Distinct()
                .Order(StringComparer.Ordinal)
        );
    }
}
