// In: a suite. Out: what apt is told so that it offers that suite's packages and no others. Its lists lie in the cache and it
// reads none of this machine's sources, so nothing of what this machine installs changes.

using System.Text;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Model;
using Elivepatch.Model.Progress;

namespace Elivepatch.Kernel.Packages;

/// <summary>Where apt takes packages from.</summary>
public sealed class AptSources
{
    /// <summary>The keys of Debian's archive, as the package debian-archive-keyring installs them.</summary>
    public const string Keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

    private const string Stage = "package lists";
    private const string Mirror = "http://deb.debian.org/debian";
    private const string SecurityMirror = "http://deb.debian.org/debian-security";
    private static readonly TimeSpan age = TimeSpan.FromHours(6);

    private AptSources(DebianSuite? suite, IReadOnlyList<string> options) => (Suite, Options) = (suite, options);

    /// <summary>The sources of this machine.</summary>
    public static AptSources Host { get; } = new(null, []);

    /// <summary>The suite; null for the sources of this machine.</summary>
    public DebianSuite? Suite { get; }

    private IReadOnlyList<string> Options { get; }

    /// <summary>The sources of a suite, with lists that are not older than some hours.</summary>
    /// <param name="cache">Where the lists are kept.</param>
    /// <param name="suite">The suite; null for the sources of this machine.</param>
    /// <param name="progress">Told where lists are fetched.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<AptSources>> OpenAsync(
        CacheRoot cache,
        DebianSuite? suite,
        IProgress<StageEvent>? progress,
        CancellationToken cancellation
    )
    {
        if (suite is null)
        {
            return Host;
        }

        if (!File.Exists(Keyring))
        {
            return new Problem(RecordProblems.ArchiveUnverifiable, $"there is no {Keyring}");
        }

        using var held = await cache.LockAsync($"apt-{suite}", cancellation);
        var folder = cache.EnsureFolder($"apt/{suite}");
        var (mirror, security) = await FindMirrorsAsync(cancellation);
        var lines = suite.SourceLines(mirror, security, Keyring);
        var sources = new AptSources(suite, ["-c", WriteConfiguration(folder, lines)]);
        var fetched = Path.Combine(folder, "fetched");
        // Of another mirror nothing is known yet.
        var text = string.Join('\n', lines);
        var isKnown = File.Exists(fetched) && await File.ReadAllTextAsync(fetched, cancellation) == text;
        if (isKnown && DateTime.UtcNow - File.GetLastWriteTimeUtc(fetched) is var old && old >= TimeSpan.Zero && old < age)
        {
            return sources;
        }

        progress?.Report(new(Stage, suite.Name, StageState.Running));
        var result = await ProcessRunner.RunAsync(
            sources.Request("apt-get", ["-q", "-o", "APT::Update::Error-Mode=any", "update"]) with
            {
                Timeout = TimeSpan.FromMinutes(10),
            },
            cancellation
        );
        if (!result.Succeeded && !isKnown)
        {
            progress?.Report(new(Stage, suite.Name, StageState.Failed));
            return result.ExitCode == 127
                ? new Problem(
                    ProcessProblems.ToolMissing,
                    "apt-get is not installed: Debian's packages can only be had on Debian"
                )
                : new Problem(RecordProblems.DownloadFailed, $"the package lists of {suite}: {result.Describe()}");
        }

        if (result.Succeeded)
        {
            await File.WriteAllTextAsync(fetched, text, cancellation);
        }

        // Without a network the lists of before are as good as they were.
        progress?.Report(new(Stage, suite.Name, result.Succeeded ? StageState.Done : StageState.Cached));
        return sources;
    }

    /// <summary>A command of apt on these sources, in plain English and with this machine's environment.</summary>
    /// <param name="program">The command.</param>
    /// <param name="words">Its words.</param>
    public ProcessRequest Request(string program, IReadOnlyList<string> words) =>
        new()
        {
            File = program,
            Arguments = [.. Options, .. words],
            InheritEnvironment = true,
            Environment = new Dictionary<string, string> { ["LC_ALL"] = "C" },
        };

    // Proxies and credentials of this machine hold; hooks that belong to its own package lists do not.
    private static string WriteConfiguration(string folder, IReadOnlyList<string> lines)
    {
        var sources = Path.Combine(folder, "sources.list");
        var status = Path.Combine(folder, "status");
        var configuration = Path.Combine(folder, "apt.conf");
        Directory.CreateDirectory(Path.Combine(folder, "lists", "partial"));
        Directory.CreateDirectory(Path.Combine(folder, "cache", "archives", "partial"));
        File.WriteAllText(sources, string.Join('\n', lines) + "\n");
        File.WriteAllText(status, "");
        File.WriteAllText(
            configuration,
            $"""
            #clear APT::Update::Pre-Invoke;
            #clear APT::Update::Post-Invoke;
            #clear APT::Update::Post-Invoke-Success;
            #clear DPkg;
            Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
            Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
            Acquire::Languages "none";
            APT::Sandbox::User "{Quote(Environment.UserName)}";
            APT::Default-Release "";
            Dir::Etc::SourceList "{Quote(sources)}";
            Dir::Etc::SourceParts "-";
            Dir::Etc::Preferences "-";
            Dir::Etc::PreferencesParts "-";
            Dir::State::Lists "{Quote(Path.Combine(folder, "lists"))}/";
            Dir::State::status "{Quote(status)}";
            Dir::Cache "{Quote(Path.Combine(folder, "cache"))}/";

            """,
            Encoding.UTF8
        );
        return configuration;
    }

    // apt's configuration has no way to write a quotation mark in a string.
    private static string Quote(string text) => text.Replace("\"", "", StringComparison.Ordinal);

    // Where this machine has Debian's packages from, other suites are as well.
    private static async Task<(string Main, string Security)> FindMirrorsAsync(CancellationToken cancellation)
    {
        var result = await ProcessRunner.RunAsync(
            Host.Request("apt-get", ["indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]) with
            {
                Timeout = TimeSpan.FromMinutes(1),
            },
            cancellation
        );
        var known = result
            .Output.Split('\n')
            .Select(l => l.Split(' ', 2))
            .Where(w => w.Length == 2)
            .ToLookup(w => w[0], w => w[1]);
        return (Of("Debian", Mirror), Of("Debian-Security", SecurityMirror));

        string Of(string label, string usual) => (known[label].FirstOrDefault(IsPlain) ?? usual).TrimEnd('/');
    }

    // What could be read as options or as the end of a line is no address.
    private static bool IsPlain(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out _) && !address.Any(c => char.IsWhiteSpace(c) || c is '[' or ']' or '"');
}
