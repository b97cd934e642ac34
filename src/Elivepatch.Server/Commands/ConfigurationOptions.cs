using System.CommandLine;
using Elivepatch.Model;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Hosting;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Commands;

/// <summary>The settings as options of a verb.</summary>
internal sealed class ConfigurationOptions
{
    private readonly Option<string> file = new("--config")
    {
        Description =
            $"Configuration file, JSON. Default: $ELIVEPATCHD_CONFIG, else {ConfigurationOrigins.UsualFile} if it exists.",
        HelpName = "FILE",
    };

    private readonly List<(Setting Setting, Option<string[]> Option)> settings;

    private ConfigurationOptions(IEnumerable<Setting> settings) =>
        this.settings = [
            .. settings.Select(s => (s, new Option<string[]>(s.Flag) { Description = s.Meaning, HelpName = s.Form })),
        ];

    /// <summary><c>--json</c>.</summary>
    public static Option<bool> Json() =>
        new("--json") { Description = "Write the result to stdout as JSON, problems as an array." };

    /// <summary>Adds all settings to a verb.</summary>
    public static ConfigurationOptions AddAll(Command verb) => new ConfigurationOptions(Settings.All).AddTo(verb);

    /// <summary>Adds what finds the state to a verb.</summary>
    public static ConfigurationOptions AddState(Command verb) =>
        new ConfigurationOptions([Settings.StateFolder, Settings.Database]).AddTo(verb);

    /// <summary>Adds what finds the state and the kernels' records to a verb.</summary>
    public static ConfigurationOptions AddArtifacts(Command verb) =>
        new ConfigurationOptions([Settings.StateFolder, Settings.Database, Settings.CacheFolder]).AddTo(verb);

    /// <summary>Adds what finds the state and the keys to a verb.</summary>
    public static ConfigurationOptions AddKeys(Command verb) =>
        new ConfigurationOptions([Settings.StateFolder, Settings.Database, Settings.KeysFolder]).AddTo(verb);

    /// <summary>Reads the configuration.</summary>
    public Outcome<ServerOptions> Read(ParseResult parsed, Session session) =>
        ConfigurationReader.Read(
            new()
            {
                File = parsed.GetValue(file),
                DefaultFile = session.ConfigurationFile,
                Environment = session.Environment,
                IsRoot = session.IsRoot,
                Flags = settings
                    .Where(s => parsed.GetResult(s.Option) is { Implicit: false })
                    .ToDictionary(s => s.Setting.Name, s => string.Join(' ', parsed.GetValue(s.Option) ?? [])),
            }
        );

    /// <summary>Opens the database of the state that is configured, whether a server uses it or not.</summary>
    public async Task<Outcome<Database>> OpenDatabaseAsync(ParseResult parsed, Session session, CancellationToken cancellation)
    {
        var configured = Read(parsed, session);
        return configured.TryGet(out var options)
            ? await OpenDatabase.RunAsync(options, cancellation)
            : Outcome<Database>.Failure(configured.Problems);
    }

    /// <summary>Opens the keys that are configured, whether a server uses them or not, with the database.</summary>
    public async Task<Outcome<(KeyRing Keys, Database Database)>> OpenKeysAsync(
        ParseResult parsed,
        Session session,
        CancellationToken cancellation
    )
    {
        var configured = Read(parsed, session);
        if (!configured.TryGet(out var options))
        {
            return Outcome<(KeyRing, Database)>.Failure(configured.Problems);
        }

        var opened = await OpenDatabase.RunAsync(options, cancellation);
        var folder = StateFolder.Open(options);
        if (!opened.TryGet(out var database) || !folder.TryGet(out var found))
        {
            return Outcome<(KeyRing, Database)>.Failure([.. opened.Problems, .. folder.Problems]);
        }

        return (await RegisteredKeys.OpenAsync(found.Keys, database, cancellation)).Then<(KeyRing, Database)>(keys =>
            (keys, database)
        );
    }

    private ConfigurationOptions AddTo(Command verb)
    {
        verb.Options.Add(file);
        foreach (var (_, option) in settings)
        {
            verb.Options.Add(option);
        }

        return this;
    }
}
