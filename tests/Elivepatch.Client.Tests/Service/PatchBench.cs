using System.Text.Json;
using Elivepatch.Client.Tests.Machine;
using Elivepatch.Machine;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Client.Tests.Service;

/// <summary>A machine, a server that it trusts, and patches.</summary>
internal sealed class PatchBench : IAsyncDisposable
{
    private PatchBench(FakeServer server) => Server = server;

    public FakeMachine Machine { get; } = new();

    public FakeServer Server { get; }

    public Scratch Scratch { get; } = new();

    public static async Task<PatchBench> StartAsync(bool trusts = true)
    {
        var bench = new PatchBench(await FakeServer.StartAsync());
        if (trusts)
        {
            Assert.Equal(
                0,
                await bench
                    .Machine.NewSession()
                    .RunAsync("trust", "--server", bench.Server.Url, "--key", bench.Server.Key.Public.Id)
            );
        }

        return bench;
    }

    /// <summary>A patch; its content is its name unless it is said.</summary>
    public string Patch(string name, string? content = null) => Scratch.Write(name, content ?? $"--- {name}\n");

    public async Task<(int Status, TestSession Run)> RunAsync(params string[] words)
    {
        var session = Machine.NewSession();
        return (await session.RunAsync(words), session);
    }

    /// <summary>Makes patches live; whatever it says on failure is the test's message.</summary>
    public async Task<TestSession> MustAsync(params string[] words)
    {
        var (status, run) = await RunAsync(words);
        Assert.True(status == 0, $"status {status}\n{run.Error}{run.Output}");
        return run;
    }

    /// <summary>Runs and expects problems as JSON.</summary>
    public async Task<IReadOnlyList<ProblemReport>> FailAsync(int status, params string[] words)
    {
        var (actual, run) = await RunAsync([.. words, "--json"]);
        Assert.True(actual == status, $"status {actual}\n{run.Error}{run.Output}");
        return JsonSerializer.Deserialize(run.Output, ProtocolJson.Default.IReadOnlyListProblemReport)!;
    }

    public KernelLedger Ledger() => Machine.StateFolder.ReadKernel(FakeMachine.BuildId, FakeMachine.Release).Value;

    public IEnumerable<string> LivePatches() =>
        Ledger().FindLive(new LoadedLivepatches(Machine.Access.Files).List())?.Patches.Select(p => p.Name) ?? [];

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Machine.Dispose();
        Scratch.Dispose();
    }
}
