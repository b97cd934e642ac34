// In: a configuration file, the environment and the flags. Out: the options, or everything that is wrong with them, each with
// the setting and where it was set. A flag is stronger than the environment, and the environment than the file.

using Elivepatch.Builder;
using Elivepatch.Model;

namespace Elivepatch.Server.Configuration;

/// <summary>Where settings come from.</summary>
internal sealed record ConfigurationOrigins
{
    /// <summary>The file that is read where nobody names one, if it is there.</summary>
    public const string UsualFile = "/etc/elivepatchd/config.json";

    /// <summary>The file that a flag names, or null.</summary>
    public string? File { get; init; }

    /// <summary>The file that is read, if it is there, where no other is named.</summary>
    public string DefaultFile { get; init; } = UsualFile;

    /// <summary>All environment variables.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Texts of flags by the setting's name.</summary>
    public IReadOnlyDictionary<string, string> Flags { get; init; } = new Dictionary<string, string>();

    /// <summary>True where the server runs as root.</summary>
    public bool IsRoot { get; init; }
}

/// <summary>Reads the configuration.</summary>
internal static class ConfigurationReader
{
    // The one variable that is about the file itself.
    private const string FileVariable = Setting.VariablePrefix + "CONFIG";

    /// <summary>The options, or all that is wrong.</summary>
    public static Outcome<ServerOptions> Read(ConfigurationOrigins origins)
    {
        var flags = origins.Flags.Select(f => new Given(Settings.All.Single(s => s.Name == f.Key), f.Value, "flag"));
        var given = FromFile(origins)
            .Then(file =>
                FromEnvironment(origins).Then<List<Given>>(environment => file.Concat(environment).Concat(flags).ToList())
            );
        if (!given.TryGet(out var settings))
        {
            return Outcome<ServerOptions>.Failure(given.Problems);
        }

        var options = new ServerOptions { StateFolder = DefaultState(origins), CacheFolder = "" };
        var problems = new List<Problem>();
        // The last of each setting is the strongest; those that it replaces have to make sense as well.
        foreach (var (setting, text, origin) in settings)
        {
            var applied = setting.Apply(options, text);
            if (applied.TryGet(out var next))
            {
                options = next;
            }
            else
            {
                problems.AddRange(applied.Problems.Select(p => p with { Reason = $"{Name(setting, origin)}: {p.Reason}" }));
            }
        }

        if (problems.Count == 0)
        {
            problems.AddRange(Settings.Contradictions(options));
        }

        if (problems.Count > 0)
        {
            return Outcome<ServerOptions>.Failure(problems);
        }

        return options.CacheFolder.Length > 0
            ? options
            : options with
            {
                CacheFolder = Path.Combine(options.StateFolder, "cache"),
            };
    }

    private static Outcome<List<Given>> FromFile(ConfigurationOrigins origins)
    {
        var named = origins.File ?? origins.Environment.GetValueOrDefault(FileVariable);
        var path = named ?? origins.DefaultFile;
        if (named is null && !File.Exists(path))
        {
            return new List<Given>();
        }

        return ConfigurationFile
            .Read(path)
            .Then(members => All(members, name => Settings.All.FirstOrDefault(s => s.Name == name), $"the file {path}"));
    }

    private static Outcome<List<Given>> FromEnvironment(ConfigurationOrigins origins) =>
        All(
            origins
                .Environment.Where(v =>
                    v.Key.StartsWith(Setting.VariablePrefix, StringComparison.Ordinal) && v.Key != FileVariable
                )
                .OrderBy(v => v.Key, StringComparer.Ordinal),
            name => Settings.All.FirstOrDefault(s => s.Variable == name),
            "the environment"
        );

    private static Outcome<List<Given>> All(
        IEnumerable<KeyValuePair<string, string>> texts,
        Func<string, Setting?> find,
        string origin
    )
    {
        var given = new List<Given>();
        var problems = new List<Problem>();
        foreach (var (name, text) in texts)
        {
            if (find(name) is { } setting)
            {
                given.Add(new(setting, text, origin));
            }
            else
            {
                problems.Add(new(BuilderProblems.ConfigurationInvalid, $"{name} in {origin}: there is no such setting"));
            }
        }

        return problems.Count == 0 ? given : Outcome<List<Given>>.Failure(problems);
    }

    private static string Name(Setting setting, string origin) =>
        origin switch
        {
            "flag" => $"{setting.Flag} on the command line",
            "the environment" => $"{setting.Variable} in the environment",
            _ => $"{setting.Name} in {origin}",
        };

    private static string DefaultState(ConfigurationOrigins origins)
    {
        // systemd may name several, between colons; the first is the main one.
        if (origins.Environment.GetValueOrDefault("STATE_DIRECTORY")?.Split(':')[0] is { Length: > 0 } given)
        {
            return Path.GetFullPath(given);
        }

        if (origins.IsRoot)
        {
            return "/var/lib/elivepatchd";
        }
        // The XDG base directory specification: a relative path is to be ignored.
        if (origins.Environment.GetValueOrDefault("XDG_STATE_HOME") is { } state && Path.IsPathRooted(state))
        {
            return Path.Combine(state, "elivepatchd");
        }

        var home = origins.Environment.GetValueOrDefault("HOME") is { Length: > 0 } own ? own : "/";
        return Path.Combine(home, ".local", "state", "elivepatchd");
    }

    private sealed record Given(Setting Setting, string Text, string Origin);
}
