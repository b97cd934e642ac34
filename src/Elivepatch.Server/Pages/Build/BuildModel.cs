// In: the id of a build. Out: all that its page shows. What the build made is read from the blobs; it is what this server's
// builders wrote, and still nothing of it is taken for more than text.

using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Signing;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Pages;

/// <summary>One build.</summary>
public sealed record BuildModel
{
    private const int MostLines = 500;
    private const int MostStageEvents = 4000;
    private const int LongestConsole = 128 << 10;

    /// <summary>The build.</summary>
    public required StoredBuild Build { get; init; }

    /// <summary>Its stages in time.</summary>
    public required StageTimeline Timeline { get; init; }

    /// <summary>The end of its log.</summary>
    public required IReadOnlyList<LogLine> Log { get; init; }

    /// <summary>True where the log is longer.</summary>
    public bool LogIsCut { get; init; }

    /// <summary>The number of the last event in the log.</summary>
    public long LastEvent { get; init; }

    /// <summary>What is in the livepatch and why; null where there is none.</summary>
    public Explanation? Explanation { get; init; }

    /// <summary>What the server says of the module; null where there is none.</summary>
    public Statement? Statement { get; init; }

    /// <summary>The key that the statement is signed with.</summary>
    public string? Key { get; init; }

    /// <summary>How many days a signed manifest may be believed.</summary>
    public int ManifestDays { get; init; }

    /// <summary>What the test's virtual machine printed; null where there was none.</summary>
    public string? Console { get; init; }

    /// <summary>True where only the end of the console is shown.</summary>
    public bool ConsoleIsCut { get; init; }

    /// <summary>The first machines that report the module where it has been withdrawn.</summary>
    public IReadOnlyList<WithdrawnMachine> Machines { get; init; } = [];

    /// <summary>True if the state is final.</summary>
    internal bool IsFinal => Build.State is not (BuildState.Queued or BuildState.Running);

    /// <summary>What people call it: the module's name, or the patches that it is asked for.</summary>
    internal string Title =>
        Build.End?.Module is { } module
            ? Display.Text(module)
            : Display.Text(string.Join(", ", Build.Patches.Select(p => p.Name)));

    /// <summary>Reads and shows it.</summary>
    internal static async Task<IResult> ShowAsync(
        string build,
        BuildTable builds,
        BuildEventTable events,
        WithdrawalTable withdrawals,
        MachineTable machines,
        BlobStore blobs,
        KeyRing keys,
        ServerOptions options,
        TimeProvider clock,
        CancellationToken cancellation
    )
    {
        if (await builds.FindAsync(build, cancellation) is not { } found)
        {
            return PageProblems.PageFor(BuildViews.Unknown(build));
        }

        var last = await events.ReadLastAsync(build, MostLines, cancellation);
        var stages = await events.ReadStagesAsync(build, MostStageEvents, cancellation);
        var console = found.End?.Console is { } digest
            ? Encoding.UTF8.GetString(await blobs.ReadAsync(digest, cancellation))
            : null;
        return new PageResult<OneBuild, BuildModel>(
            new()
            {
                Build = found,
                Timeline = StageTimeline.Of(stages, clock.GetUtcNow()),
                Log = [.. last.Select(LogLine.Of).OfType<LogLine>()],
                LogIsCut = last is [{ Sequence: > 1 }, ..],
                LastEvent = last.Count == 0 ? 0 : last[^1].Sequence,
                Explanation = await ReadAsync(blobs, found.End?.Explanation, ProtocolJson.Default.Explanation, cancellation),
                Statement =
                    found.State == BuildState.Succeeded
                        ? await ReadAsync(blobs, found.End?.Statement, ManifestJson.Default.Statement, cancellation)
                        : null,
                Key = keys.List().FirstOrDefault(k => k.IsCurrent)?.Id,
                ManifestDays = options.ManifestDays,
                Console = console is null
                    ? null
                    : Display.Console(console.Length > LongestConsole ? console[^LongestConsole..] : console),
                ConsoleIsCut = console?.Length > LongestConsole,
                Machines =
                    found is { State: BuildState.Withdrawn, End.Artifact: { } artifact }
                    && await withdrawals.FindAsync(artifact, cancellation) is { } withdrawal
                        ? await WithdrawnMachine.FindAsync(machines, withdrawal, cancellation)
                        : [],
            }
        );
    }

    private static async Task<T?> ReadAsync<T>(
        BlobStore blobs,
        string? digest,
        JsonTypeInfo<T> type,
        CancellationToken cancellation
    )
        where T : class => digest is null ? null : JsonSerializer.Deserialize(await blobs.ReadAsync(digest, cancellation), type);
}
