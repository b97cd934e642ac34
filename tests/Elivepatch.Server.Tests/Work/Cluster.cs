using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.VirtualMachines;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Tests.Whole;
using static Elivepatch.Server.Tests.Builds.Workbench;
using static Elivepatch.Server.Tests.Whole.StockCapture;

namespace Elivepatch.Server.Tests.Work;

/// <summary>Servers and workers as processes, on a real database and a real broker, for the stock kernel or another.</summary>
internal sealed class Cluster : IDisposable
{
    private readonly Scratch scratch = new();
    private readonly string database;
    private readonly string broker;
    private readonly ServerCertificateFiles? certificate;
    private readonly string kernel;
    private readonly List<WorkerProcess> workers = [];
    private string secret = "";
    private string workSecret = "";
    private HttpClient[] clients = [];

    private Cluster(string database, string broker, ServerCertificateFiles? certificate, string kernel) =>
        (this.database, this.broker, this.certificate, this.kernel) = (database, broker, certificate, kernel);

    public List<ServerProcess> Servers { get; } = [];

    public IReadOnlyList<HttpClient> Clients => clients;

    /// <summary>The id of the kernel.</summary>
    public string KernelId { get; private set; } = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts servers.</summary>
    /// <param name="database">Address of the database.</param>
    /// <param name="broker">Address of the broker.</param>
    /// <param name="servers">How many.</param>
    /// <param name="certificate">
    /// Where workers come over TLS: the servers' certificate, which servers and workers trust and nothing else.
    /// </param>
    /// <param name="kernel">The kernel, as it is imported by; the stock kernel if left out.</param>
    public static async Task<Cluster> StartAsync(
        string database,
        string broker,
        int servers,
        ServerCertificateFiles? certificate = null,
        string? kernel = null
    )
    {
        var cluster = new Cluster(database, broker, certificate, kernel ?? TestKernels.Stock);
        try
        {
            await cluster.StartAsync(servers);
            return cluster;
        }
        catch
        {
            cluster.Dispose();
            throw;
        }
    }

    /// <summary>Starts a worker and waits until a server knows it.</summary>
    public Task<WorkerProcess> AddWorkerAsync(string name, string? cache = null) =>
        StartWorker(name, cache: cache).GreetedAsync();

    /// <summary>Starts a worker.</summary>
    public WorkerProcess StartWorker(string name, string? programs = null, string? cache = null)
    {
        var worker = WorkerProcess.Start(
            name,
            Servers.Select(s => s.AddressOf(certificate is null ? "http" : "https")),
            broker,
            workSecret,
            cache ?? TestCache().FullPath,
            programs,
            certificate?.Certificate
        );
        workers.Add(worker);
        return worker;
    }

    /// <summary>Submits a build to one of the servers.</summary>
    public async Task<string> SubmitAsync(string name, int server = 0)
    {
        using var answer = await PostAsync(name, server);
        return (await Answered.ValueAsync<BuildView>(answer, HttpStatusCode.Accepted)).Id;
    }

    /// <summary>The id of a build that was submitted before, or is now.</summary>
    public async Task<string> SubmitAgainAsync(string name)
    {
        using var answer = await PostAsync(name, 0);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonSerializer.Deserialize(text, ProtocolJson.Default.BuildView)!.Id;
    }

    /// <summary>
    /// Asks one of the servers for a build with a text of its own; one whose name begins with <c>refused</c> changes what is not
    /// there.
    /// </summary>
    public Task<HttpResponseMessage> PostAsync(string name, int server)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "examples/meminfo-caps.patch"))
            .Replace("VMALLOCCHUNK", $"Y{name.ToUpperInvariant(), -11}", StringComparison.Ordinal);
        if (name.StartsWith("refused", StringComparison.Ordinal))
        {
            text = text.Replace(" seq_printf(m, ", " seq_printed(m, ", StringComparison.Ordinal)
                .Replace("VmallocChunk", "Vmalloc" + name, StringComparison.Ordinal);
        }

        var submission = new BuildSubmission
        {
            Kernel = KernelId,
            Patches = [new("fix.patch", Encoding.UTF8.GetBytes(text))],
            Name = name,
        };
        return clients[server].PostAsJsonAsync(ApiRoutes.Builds, submission, ProtocolJson.Default.BuildSubmission, Cancellation);
    }

    public async Task<BuildView> BuildAsync(string build, int server = 0) =>
        await Answered.ValueAsync<BuildView>(await clients[server].GetAsync(ApiRoutes.Build(build), Cancellation));

    /// <summary>Waits until a build has ended; servers that cannot answer are asked again.</summary>
    public async Task<BuildView> EndOfAsync(string build, int server = 0, int minutes = 3)
    {
        BuildView? last = null;
        for (var i = 0; i < minutes * 300; i++)
        {
            using var answer = await TryAsync(() => clients[server].GetAsync(ApiRoutes.Build(build), Cancellation));
            if (answer is { IsSuccessStatusCode: true })
            {
                last = await Answered.ValueAsync<BuildView>(answer);
            }

            if (last is { IsFinal: true })
            {
                return last;
            }

            await Task.Delay(200, Cancellation);
        }

        IEnumerable<string> logs = [.. workers.Select(w => w.Name + "\n" + w.Log), .. Servers.Select(s => "server\n" + s.Log)];
        throw new TimeoutException($"{last?.State} after {last?.Attempts} attempts\n" + string.Join("\n--\n", logs));
    }

    /// <summary>The events of a build behind one, until one is wanted, the build ends or the server does.</summary>
    public async Task<List<BuildEvent>> EventsAsync(
        string build,
        Func<BuildEvent, bool>? isWanted = null,
        long after = 0,
        int server = 0,
        Action? onFirst = null
    )
    {
        var events = new List<BuildEvent>();
        try
        {
            await foreach (var happened in FollowAsync(build, after, server))
            {
                events.Add(happened);
                if (events.Count == 1)
                {
                    onFirst?.Invoke();
                }

                if (isWanted?.Invoke(happened) == true)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // The server is gone.
        }

        return events;
    }

    /// <summary>The worker that runs a build, once one does and its server knows.</summary>
    public async Task<WorkerProcess> WorkerOfAsync(string build)
    {
        for (var i = 0; i < 300; i++)
        {
            var known = await Answered.ValueAsync<IReadOnlyList<WorkerView>>(
                await clients[0].GetAsync(ApiRoutes.Workers, Cancellation)
            );
            if (known.FirstOrDefault(w => w.Running.Contains(build)) is { } found)
            {
                return workers.Last(w => w.Name == found.Name);
            }

            await Task.Delay(50, Cancellation);
        }

        throw new TimeoutException(string.Join("\n--\n", workers.Select(w => w.Log)));
    }

    public void Dispose()
    {
        foreach (var worker in workers)
        {
            worker.Dispose();
        }

        foreach (var server in Servers)
        {
            server.Dispose();
        }

        foreach (var client in clients)
        {
            client.Dispose();
        }

        scratch.Dispose();
    }

    private async Task StartAsync(int servers)
    {
        for (var i = 0; i < servers; i++)
        {
            string[] options =
            [
                "--database",
                database,
                "--broker",
                broker,
                "--keys-folder",
                scratch.PathOf("keys"),
                "--lease-seconds",
                "3",
                "--test-policy",
                "off",
                "--cache-folder",
                TestCache().FullPath,
                "--open-builds-per-token",
                "1000",
                "--requests-per-minute",
                "100000",
            ];
            string[] encrypted = certificate is null
                ? []
                :
                [
                    "--listen",
                    "https://127.0.0.1:0",
                    "--certificate",
                    certificate.Certificate,
                    "--certificate-key",
                    certificate.Key,
                ];
            string[] trusting = certificate is null ? [] : ["env", $"SSL_CERT_FILE={certificate.Certificate}"];
            var server = await ServerProcess.StartAsync(
                trusting,
                scratch.PathOf($"state{i}"),
                i == 0 ? null : secret,
                [.. options, .. encrypted]
            );
            Servers.Add(server);
            secret = server.Secret ?? secret;
        }

        clients = [.. Servers.Select(s => s.Client(secret))];
        using var made = await clients[0]
            .PostAsJsonAsync(
                ApiRoutes.Tokens,
                new TokenRequest("workers", [TokenScopes.Work]),
                ProtocolJson.Default.TokenRequest,
                Cancellation
            );
        workSecret = (await Answered.ValueAsync<NewToken>(made, HttpStatusCode.Created)).Secret;
        KernelId = await TellOfKernelAsync();
    }

    private async Task<string> TellOfKernelAsync()
    {
        var record = Get(await new DebianImport(TestCache(), KernelBoot.ReadFactsAsync).RunAsync(kernel, Cancellation));
        using var content = new ByteArrayContent(await StockCapture.OfAsync(record));
        return (await Answered.ValueAsync<KernelView>(await clients[0].PostAsync(ApiRoutes.Kernels, content, Cancellation))).Id;
    }

    private async IAsyncEnumerable<BuildEvent> FollowAsync(
        string build,
        long after,
        int server,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation, cancellation);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        using var request = new HttpRequestMessage(HttpMethod.Get, ApiRoutes.Events(build));
        request.Headers.Add("Last-Event-ID", after.ToString(System.Globalization.CultureInfo.InvariantCulture));
        using var answer = await clients[server].SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(limit.Token));
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("data:", StringComparison.Ordinal))
            {
                yield return JsonSerializer.Deserialize(line[5..], ProtocolJson.Default.BuildEvent)!;
            }
        }
    }

    private static async Task<HttpResponseMessage?> TryAsync(Func<Task<HttpResponseMessage>> ask)
    {
        try
        {
            return await ask();
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
