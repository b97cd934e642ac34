// In: a server with a broker. Out: how long a build takes besides being built: it is submitted, sent to a worker, begun, and
// ended by a worker that does nothing, one build after the other.

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Jobs;
using Elivepatch.Builder.Workers;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Captures;
using Microsoft.Extensions.Logging.Abstractions;

namespace Elivepatch.ServiceBench;

/// <summary>Measures what the way over the broker costs a build.</summary>
internal static class QueueOverhead
{
    private const int Warmup = 10;

    /// <summary>Sends builds through, and gives the milliseconds that each took, in order of size.</summary>
    public static async Task<IReadOnlyList<double>> RunAsync(Service service, string broker, int builds)
    {
        using var http = new HttpClient { BaseAddress = service.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", service.Token);
        using var made = await http.PostAsJsonAsync(
            ApiRoutes.Tokens,
            new TokenRequest("worker", [TokenScopes.Work]),
            ProtocolJson.Default.TokenRequest
        );
        var token = (await made.Content.ReadFromJsonAsync(ProtocolJson.Default.NewToken))!;

        var id = WorkerId.New();
        var capability = Capability.Of(MachineNames.Here, await Service.CompilerAsync());
        using var client = new WorkClient([service.Address], token.Secret, id);
        await client.ReportAsync(
            new()
            {
                Name = "bench",
                Version = EngineVersion.Current,
                Capabilities = [capability],
                Kernels = [],
                Builders = 1,
                Running = [],
            },
            CancellationToken.None
        );
        var ended = new ConcurrentDictionary<string, TaskCompletionSource>();
        async Task<Settled> EndAtOnceAsync(
            string build,
            Action<AssignedBuild> begun,
            CancellationToken cancelled,
            CancellationToken stopping
        )
        {
            var order = (await client.BeginAsync(build, stopping)).Value;
            var hold = new AssignedBuild(build, order.Attempt);
            begun(hold);
            await client.SendResultAsync(
                hold,
                new() { Problems = [new("ELP0301", "the patch does not apply", "", "")] },
                stopping
            );
            ended.GetOrAdd(build, _ => new()).TrySetResult();
            return Settled.Done;
        }

        var ready = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var consumer = new BuildConsumer(
            BrokerAddress.Parse(broker).Value,
            id,
            [capability],
            1,
            EndAtOnceAsync,
            NullLogger<BuildConsumer>.Instance
        );
        var consuming = consumer.RunAsync(ready.SetResult, stop.Token);
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(30));

        var milliseconds = new List<double>();
        for (var i = -Warmup; i < builds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var submission = new BuildSubmission
            {
                Kernel = Service.Kernel,
                Patches = [new("fix.patch", Encoding.UTF8.GetBytes(i.ToString(CultureInfo.InvariantCulture)))],
            };
            using var answer = await http.PostAsJsonAsync(ApiRoutes.Builds, submission, ProtocolJson.Default.BuildSubmission);
            var build = (await answer.Content.ReadFromJsonAsync(ProtocolJson.Default.BuildView))!;
            await ended.GetOrAdd(build.Id, _ => new()).Task.WaitAsync(TimeSpan.FromSeconds(30));
            if (i >= 0)
            {
                milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        await stop.CancelAsync();
        await consuming;
        return [.. milliseconds.Order()];
    }
}
