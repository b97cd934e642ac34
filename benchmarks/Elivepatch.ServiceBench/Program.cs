// The load test of the service. In: the command elivepatchd. Out: how often it answers what machines ask it, how fast, and how
// that compares with Kestrel serving a file of the same size. Everything runs on this machine, one after the other.

using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Elivepatch.Bench;
using Elivepatch.Protocol.Api;
using Elivepatch.ServiceBench;
using Elivepatch.Tests;

const int rounds = 3;
const int moduleSize = 256 << 10;
const int connections = 64;
const int queuedBuilds = 200;
var time = TimeSpan.FromSeconds(2);

switch (args)
{
    case ["static", var folder]:
        await StaticFiles.ServeAsync(folder);
        return 0;
    case [_]:
        break;
    case [_, "--seconds", var text]
        when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= 60:
        time = TimeSpan.FromSeconds(seconds);
        break;
    default:
        Console.Error.WriteLine("usage: ./bench --case service [--seconds N]");
        return 2;
}

// A relative path would mean something else to whoever starts it.
var program = Path.GetFullPath(args[0]);
var machine = Machine.Here();
Say($"{machine.Processor}, {machine.Processors} processors, {machine.MemoryGiB} GiB, {machine.System}");
Say(
    $"load average {machine.Load:0.0} at the start; {connections} connections, {time.TotalSeconds} s each, median of {rounds} rounds"
);
var module = RandomNumberGenerator.GetBytes(moduleSize);
await using var postgres = await PostgresCluster.StartAsync(isDurable: true);
await using var sqlite = await Service.StartAsync(program, "SQLite", module, null);
await using var shared = await Service.StartAsync(program, "PostgreSQL", module, await postgres.NewDatabaseAsync());
Service[] services = [sqlite, shared];

using var client = new HttpClient();
client.DefaultRequestHeaders.Authorization = new("Bearer", sqlite.Token);
var status = await client.GetByteArrayAsync(new Uri(sqlite.Address, ApiRoutes.Build(Service.Build)));
var files = Directory.CreateTempSubdirectory("elivepatch-bench-files-").FullName;
await File.WriteAllBytesAsync(Path.Combine(files, "status.json"), status);
await File.WriteAllBytesAsync(Path.Combine(files, "module.ko"), module);
var itself = new ProcessStartInfo(Environment.ProcessPath!, ["static", files])
{
    RedirectStandardInput = true,
    RedirectStandardOutput = true,
};
using var kestrel = Process.Start(itself)!;
try
{
    var address = new Uri((await kestrel.StandardOutput.ReadLineAsync())!);
    Say($"");
    Say($"{"asked for", -22}{"of", -13}{"a second", 10}{"median ms", 11}{"99 % ms", 10}{"over the file", 15}");
    await ReadAsync($"status, {status.Length} B", address, "/status.json", ApiRoutes.Build(Service.Build));
    await ReadAsync($"module, {moduleSize >> 10} KiB", address, "/module.ko", ApiRoutes.Artifact(Service.Build));
    foreach (var service in services)
    {
        var equal = Load.Post(ApiRoutes.Builds, service.Token, Submission("equal"));
        Row("submit, equal", service.Name, await Load.RunAsync(service.Address, connections, time, _ => equal, 202), null);
        Row(
            "submit, different",
            service.Name,
            await Load.RunAsync(
                service.Address,
                connections,
                time,
                n => Load.Post(ApiRoutes.Builds, service.Token, Submission(n.ToString(CultureInfo.InvariantCulture))),
                202
            ),
            null
        );
    }

    await using var broker = await RabbitBroker.StartAsync();
    var host = broker.NewHost();
    await using var queued = await Service.StartAsync(program, "RabbitMQ", module, await postgres.NewDatabaseAsync(), host);
    var overhead = await QueueOverhead.RunAsync(queued, host, queuedBuilds);
    Say($"");
    Say(
        $"a build's way over PostgreSQL and RabbitMQ to a worker and back, without being built, of {queuedBuilds} one after the other:"
    );
    Say($"median {overhead[queuedBuilds / 2]:0.0} ms, 99 % {overhead[queuedBuilds * 99 / 100]:0.0} ms");
    Say($"load average {Machine.CurrentLoad():0.0} at the end");
    return 0;
}
finally
{
    kestrel.StandardInput.Close();
    await kestrel.WaitForExitAsync();
    Directory.Delete(files, recursive: true);
}

// The file, then each server, in turn, so that other load on the machine meets all of them.
async Task ReadAsync(string what, Uri address, string file, string path)
{
    var results = new List<LoadResult>[services.Length + 1];
    for (var i = 0; i < results.Length; i++)
    {
        results[i] = [];
    }

    for (var round = -1; round < rounds; round++)
    {
        for (var i = 0; i < results.Length; i++)
        {
            var request = i == 0 ? Load.Get(file, null) : Load.Get(path, services[i - 1].Token);
            var result = await Load.RunAsync(i == 0 ? address : services[i - 1].Address, connections, time, _ => request, 200);
            // Once for nothing: code is compiled, files come from the disk.
            if (round >= 0)
            {
                results[i].Add(result);
            }
        }
    }

    var reference = Middle(results[0]);
    Row(what, "static file", reference, null);
    for (var i = 1; i < results.Length; i++)
    {
        var result = Middle(results[i]);
        Row(what, services[i - 1].Name, result, result.PerSecond / reference.PerSecond);
    }
}

static LoadResult Middle(List<LoadResult> results) =>
    results.OrderBy(r => r.PerSecond).ElementAt(results.Count / 2) with
    {
        Failed = results.Sum(r => r.Failed),
    };

static byte[] Submission(string text) =>
    JsonSerializer.SerializeToUtf8Bytes(
        new BuildSubmission { Kernel = Service.Kernel, Patches = [new("fix.patch", Encoding.UTF8.GetBytes(text))] },
        ProtocolJson.Default.BuildSubmission
    );

static void Row(string what, string who, LoadResult result, double? ratio)
{
    var over = ratio is { } r ? r.ToString("0.00", CultureInfo.InvariantCulture) : "-";
    var failed = result.Failed > 0 ? $"  {result.Failed} FAILED" : "";
    Say($"{what, -22}{who, -13}{result.PerSecond, 10:0}{result.Median, 11:0.00}{result.P99, 10:0.00}{over, 15}{failed}");
}

static void Say(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
