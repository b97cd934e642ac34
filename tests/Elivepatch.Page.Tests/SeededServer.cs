[assembly: AssemblyFixture(typeof(Elivepatch.Page.Tests.SeededServer))]

namespace Elivepatch.Page.Tests;

/// <summary>One service with a day of work behind it, for the tests that only look.</summary>
public sealed class SeededServer : IAsyncLifetime
{
    internal RunningServer Server { get; private set; } = null!;

    /// <summary>The pages of it, one of each kind.</summary>
    internal static IReadOnlyList<string> Paths { get; } =
    [
        "/",
        "/?state=succeeded&q=meminfo",
        "/builds/" + SeededState.Id(0),
        "/builds/" + SeededState.Id(1),
        "/builds/" + SeededState.Id(101),
        "/kernels",
        "/kernels/" + SeededState.KernelId(SeededState.Lacking),
        "/workers",
        "/machines",
        "/machines/" + Elivepatch.Server.Api.MachineEndpoints.IdOf("t", "db-02"),
        "/builds/unknown",
        "/?state=nonsense",
    ];

    public async ValueTask InitializeAsync()
    {
        Server = await RunningServer.StartAsync(SeededState.Options);
        await SeededState.FillAsync(Server);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
