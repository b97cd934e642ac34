using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Hosting;
using Elivepatch.Server.Signing;
using Elivepatch.Server.Telemetry;
using Elivepatch.Terminal;

namespace Elivepatch.Server.Commands;

/// <summary><c>elivepatchd serve</c>, which is what the command does where no verb is given.</summary>
internal static class ServeCommand
{
    /// <summary>Its name.</summary>
    public const string Name = "serve";

    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var verb = new Verb(
            Name,
            "Serves until it is told to stop. The verb can be omitted.",
            """
            Without any setting it serves on 127.0.0.1, keeps everything in the state directory, and runs builds in the same
            process. The first start creates an administrator's token and prints it: it is shown only once.

            A setting can be given by a flag, in the environment (--state-folder is ELIVEPATCHD_STATE_FOLDER) or in the
            configuration file (there it is stateFolder), in this order of precedence. Unknown settings and invalid values are
            refused.
            """,
            new Example("elivepatchd", "Serve on http://127.0.0.1:8470."),
            new Example(
                "elivepatchd --listen https://0.0.0.0:8470 --certificate /etc/elivepatchd/server.pem",
                "Serve on a network."
            ),
            new Example(
                "ELIVEPATCHD_BUILDERS=8 elivepatchd serve --test-policy required",
                "Run eight builds at once, and publish nothing untested."
            )
        );
        var configuration = ConfigurationOptions.AddAll(verb);
        verb.SetAction((parsed, cancellation) => RunAsync(session, configuration.Read(parsed, session), cancellation));
        return verb;
    }

    private static async Task<int> RunAsync(Session session, Outcome<ServerOptions> configuration, CancellationToken cancellation)
    {
        if (!configuration.TryGet(out var options))
        {
            return Answer.Fail(session, configuration.Problems);
        }

        var opened = await ServerHost.OpenAsync(
            options,
            builder => ServerLog.Add(builder.Logging, session.IsTerminal),
            TimeProvider.System,
            cancellation
        );
        if (!opened.TryGet(out var host))
        {
            return Answer.Fail(session, opened.Problems);
        }

        await using (host)
        {
            var started = await host.StartAsync(cancellation);
            if (!started.Succeeded)
            {
                return Answer.Fail(session, started.Problems);
            }

            Greet(session, host, options, started.Value);
            ServiceNotification.Ready(session.Environment);
            await host.Application.WaitForShutdownAsync(cancellation);
        }

        return ExitStatus.Done;
    }

    private static string[][] Shared(ServerOptions options) =>
        options.Database is { } address
            ?
            [
                ["database", address.ToString()],
            ]
            : [];

    private static void Greet(Session session, ServerHost host, ServerOptions options, NewToken? administrator)
    {
        var key = host.Application.Services.GetRequiredService<KeyRing>().Current.Id;
        session.Output.WriteLine($"elivepatchd {HealthEndpoints.Version}");
        Columns.Write(
            session.Output,
            [
                .. host.Addresses.Select(a => new[] { "address", a }),
                ["state", options.StateFolder],
                .. Shared(options),
                ["public key", key],
            ],
            indent: 2
        );
        if (administrator is not null)
        {
            session.Output.WriteLine("This first start created the administrator's token, which is shown only this once:");
            session.Output.WriteLine($"  {administrator.Secret}");
        }

        if (options.Listen.Any(a => a.Scheme == "http" && !a.IsLoopback))
        {
            session.Error.WriteLine(
                "elivepatchd: http on a network exposes tokens to eavesdroppers: use https, or a proxy that does"
            );
        }

        session.Output.Flush();
    }
}
