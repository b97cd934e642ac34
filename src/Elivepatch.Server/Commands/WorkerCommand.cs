using System.CommandLine;
using System.Text;
using Elivepatch.Builder;
using Elivepatch.Builder.Broker;
using Elivepatch.Builder.Sources;
using Elivepatch.Builder.Workers;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Server.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Telemetry;
using Elivepatch.Terminal;

namespace Elivepatch.Server.Commands;

/// <summary><c>elivepatchd worker</c>.</summary>
internal static class WorkerCommand
{
    private const string TokenVariable = Setting.VariablePrefix + "TOKEN";
    private const string BrokerVariable = Setting.VariablePrefix + "BROKER";
    private const int LargestToken = 4096;

    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var server = new Option<string[]>("--server")
        {
            Description = "The address of a server; may be repeated if there are several, of which any one will do.",
            HelpName = "URL",
            Required = true,
        };
        var broker = new Option<string>("--broker")
        {
            Description =
                $"The servers' broker, amqp://user:password@host:5672/vhost. Default: ${BrokerVariable}, which does not expose the password.",
            HelpName = "URL",
        };
        var tokenFile = new Option<string>("--token-file")
        {
            Description = $"File with a token that has the scope work. Default: the token itself in ${TokenVariable}.",
            HelpName = "FILE",
        };
        var name = new Option<string>("--name")
        {
            Description = "Name of the worker, for display. Default: the host name.",
            HelpName = "NAME",
        };
        var builders = new Option<string>("--builders")
        {
            Description = "Concurrent builds. Default: half of the processors.",
            HelpName = "NUMBER",
        };
        var cache = new Option<string>("--cache-folder")
        {
            Description =
                "Directory for sources, prepared trees and objects; it can grow to ten GiB or more. Default: the user's cache.",
            HelpName = "FOLDER",
        };
        var sources = new Option<string>("--sources")
        {
            Description =
                "Where sources come from, like the setting of that name in `elivepatchd serve --help`. Default: debian.",
            HelpName = "JSON",
        };
        var otlp = new Option<string>("--otlp-endpoint")
        {
            Description = "Collector for traces and metrics. Default: none.",
            HelpName = "URL",
        };
        var verb = new Verb(
            "worker",
            "Runs builds for servers that hand them out over a broker.",
            """
            A worker takes builds for which it has the compiler, runs them as a server would, and returns the results. It has a
            token and the broker's address; the database and the keys stay with the servers. If it is killed, another worker runs
            its builds; told to stop (SIGTERM), it returns its builds at once.

            Its version has to be that of the servers. Any number of workers may run, also several on one machine, each with its
            own cache or sharing one.
            """,
            new Example(
                "ELIVEPATCHD_BROKER=amqp://elivepatch:secret@10.0.0.5 elivepatchd worker --server https://patches:8470 --token-file /etc/elivepatchd/token",
                "Build for one server."
            ),
            new Example("elivepatchd tokens create builders --scope work", "Create the token, on the server.")
        )
        {
            server,
            broker,
            tokenFile,
            name,
            builders,
            cache,
            sources,
            otlp,
        };
        verb.SetAction(
            (parsed, cancellation) =>
            {
                string? Text(Option<string> option) => parsed.GetValue(option);
                var read = Read(
                    session,
                    parsed.GetRequiredValue(server),
                    Text(broker),
                    Text(tokenFile),
                    Text(name),
                    Text(builders),
                    Text(cache),
                    Text(sources),
                    Text(otlp)
                );
                return RunAsync(session, read, cancellation);
            }
        );
        return verb;
    }

    private static async Task<int> RunAsync(Session session, Outcome<WorkerOptions> read, CancellationToken stopping)
    {
        if (!read.TryGet(out var options))
        {
            return Answer.Fail(session, read.Problems);
        }

        using var loggers = LoggerFactory.Create(logging => ServerLog.Add(logging, session.IsTerminal));
        using var telemetry = options.OtlpEndpoint is { } collector
            ? new TelemetryExport(collector, HealthEndpoints.Version)
            : null;
        var opened = await WorkerHost.OpenAsync(options, loggers, stopping);
        if (!opened.TryGet(out var host))
        {
            return Answer.Fail(session, opened.Problems);
        }

        if (options.Servers.Any(s => s.Scheme == "http" && !s.IsLoopback))
        {
            session.Error.WriteLine(
                "elivepatchd: http on a network exposes the worker's token to eavesdroppers: use https, or a proxy that does"
            );
        }

        using (host)
        {
            var refused = await host.RunAsync(() => Greet(session, host, options), stopping);
            return refused is null ? ExitStatus.Done : Answer.Fail(session, [refused]);
        }
    }

    private static void Greet(Session session, WorkerHost host, WorkerOptions options)
    {
        session.Output.WriteLine($"elivepatchd {HealthEndpoints.Version}, worker {options.Name}");
        Columns.Write(
            session.Output,
            [
                .. options.Servers.Select(s => new[] { "server", s.ToString() }),
                ["broker", options.Broker.ToString()],
                .. host.Compilers.Zip(
                    host.Compilers.Select(WorkerHost.CapabilityOf),
                    (text, capability) => new[] { "builds for", $"{text} ({capability})" }
                ),
            ],
            indent: 2
        );
        session.Output.Flush();
        ServiceNotification.Ready(session.Environment);
    }

    private static Outcome<WorkerOptions> Read(
        Session session,
        IReadOnlyList<string> servers,
        string? broker,
        string? tokenFile,
        string? name,
        string? builders,
        string? cache,
        string? sources,
        string? otlp
    )
    {
        var urls = servers.Select(s => Named("--server", SettingText.ParseUrl(s))).ToList();
        var address = (broker ?? session.Environment.GetValueOrDefault(BrokerVariable)) is { } text
            ? Named("--broker", BrokerAddress.Parse(text))
            : Missing<BrokerAddress>($"--broker, or ${BrokerVariable}");
        var token = Token(session, tokenFile);
        var count = builders is null
            ? Math.Max(1, Environment.ProcessorCount / 2)
            : Named("--builders", SettingText.ParseNumber(builders, 1, 256));
        var places = sources is null
            ? new List<SourceOptions> { new(SourceOrigin.Debian) }
            : Named("--sources", SettingText.ParseSources(sources));
        var entries = places.Succeeded ? places.Value.ConvertAll(p => p.ToEntry()) : [];
        var collector = otlp is null ? null : Named("--otlp-endpoint", SettingText.ParseUrl(otlp));
        Problem[] problems =
        [
            .. urls.SelectMany(u => u.Problems),
            .. address.Problems,
            .. token.Problems,
            .. count.Problems,
            .. places.Problems,
            .. entries.SelectMany(e => e.Problems),
            .. collector?.Problems ?? [],
        ];
        if (problems.Length > 0)
        {
            return Outcome<WorkerOptions>.Failure(problems);
        }

        return new WorkerOptions
        {
            Servers = urls.ConvertAll(u => u.Value),
            Token = token.Value,
            Broker = address.Value,
            Name = name is { Length: > 0 } ? name : Environment.MachineName,
            Builders = count.Value,
            CacheFolder = cache ?? CacheRoot.DefaultPath(v => session.Environment.GetValueOrDefault(v)),
            Sources = entries.ConvertAll(e => e.Value),
            OtlpEndpoint = collector?.Value,
        };
    }

    private static Outcome<string> Token(Session session, string? file)
    {
        try
        {
            var token =
                file is null ? session.Environment.GetValueOrDefault(TokenVariable)
                : new FileInfo(file) is { Length: <= LargestToken } ? File.ReadAllText(file, Encoding.ASCII)
                : "";
            return token?.Trim() is { Length: > 0 } secret ? secret : Missing<string>($"--token-file, or ${TokenVariable}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Problem(BuilderProblems.ConfigurationInvalid, $"--token-file: {e.Message}");
        }
    }

    private static Outcome<T> Missing<T>(string what) => new Problem(CommandProblems.UsageInvalid, $"{what} is missing");

    private static Outcome<T> Named<T>(string option, Outcome<T> value) =>
        value.Succeeded
            ? value
            : Outcome<T>.Failure([.. value.Problems.Select(p => p with { Reason = $"{option}: {p.Reason}" })]);
}
