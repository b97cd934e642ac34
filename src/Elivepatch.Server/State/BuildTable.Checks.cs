using System.Data.Common;
using System.Text.Json;
using Dapper;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>How far a build's module may be given out.</summary>
/// <param name="State">Where the build stands.</param>
/// <param name="Checked">The set of rules that its module was checked with last.</param>
/// <param name="Unchecked">Why it could not be told whether the module keeps them; null where it could.</param>
/// <param name="Artifact">SHA-256 of the module; null for none.</param>
public sealed record BuildStanding(BuildState State, int Checked, string? Unchecked, string? Artifact);

// Modules that are checked again, when the rules have become others.
public sealed partial class BuildTable
{
    /// <summary>How a build stands now; null where it is not there (any more).</summary>
    public Task<BuildStanding?> GetStandingAsync(string id, CancellationToken cancellation) =>
        database.ReadAsync(
            async c =>
                await c.QuerySingleOrDefaultAsync<StandingRow>(
                    "SELECT state, checked, unchecked, artifact FROM builds WHERE id = @id",
                    new { id }
                )
                    is { } row
                    ? new BuildStanding(Enum.Parse<BuildState>(row.State), (int)row.Checked, row.Unchecked, row.Artifact)
                    : null,
            cancellation
        );

    /// <summary>
    /// The builds whose modules have not been checked with a set of rules, those of one kernel together: what is read of a kernel
    /// serves all of them.
    /// </summary>
    public Task<IReadOnlyList<StoredBuild>> ListUncheckedAsync(int rules, int count, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<StoredBuild>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<Row>(
                            $"""
                            {Columns} WHERE state = 'Succeeded' AND checked < @rules AND artifact IS NOT NULL
                            ORDER BY kernel, id LIMIT @count
                            """,
                            new { rules, count }
                        )
                    ).Select(r => r.ToBuild()),
                ],
            cancellation
        );

    /// <summary>All builds that have published a module, those of one kernel together.</summary>
    /// <param name="after">Only those behind this one, or null.</param>
    /// <param name="count">How many at most.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<IReadOnlyList<StoredBuild>> ListPublishedAsync(StoredBuild? after, int count, CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyList<StoredBuild>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<Row>(
                            $"""
                            {Columns} WHERE state IN ('Succeeded', 'Withdrawn') AND artifact IS NOT NULL
                            AND (kernel > @kernel OR (kernel = @kernel AND id > @id)) ORDER BY kernel, id LIMIT @count
                            """,
                            new
                            {
                                kernel = after?.Kernel ?? "",
                                id = after?.Id ?? "",
                                count,
                            }
                        )
                    ).Select(r => r.ToBuild()),
                ],
            cancellation
        );

    /// <summary>How many builds have published a module.</summary>
    public Task<long> CountPublishedAsync(CancellationToken cancellation) =>
        database.ReadAsync(
            c =>
                c.ExecuteScalarAsync<long>(
                    "SELECT COUNT(*) FROM builds WHERE state IN ('Succeeded', 'Withdrawn') AND artifact IS NOT NULL"
                ),
            cancellation
        );

    /// <summary>Notes that a build's module was checked.</summary>
    /// <param name="build">The build as it was when its module was checked.</param>
    /// <param name="rules">With which set of rules.</param>
    /// <param name="whyNot">Why it could not be told; null where it keeps them.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>False where the build has become another meanwhile.</returns>
    public Task<bool> RecordCheckAsync(StoredBuild build, int rules, string? whyNot, CancellationToken cancellation) =>
        database.ChangeAsync(
            async transaction =>
                await transaction.Connection!.ExecuteAsync(
                    $"UPDATE builds SET checked = @rules, unchecked = {(whyNot is null ? "NULL" : "@whyNot")} WHERE {IsAsChecked}",
                    new
                    {
                        rules,
                        whyNot = whyNot ?? "",
                        build.Id,
                        build.End!.Artifact,
                    },
                    transaction
                ) == 1,
            cancellation
        );

    /// <summary>Withdraws a build's module, all at once: state, event, and what machines are told by.</summary>
    /// <param name="build">The build as it was when its module was checked.</param>
    /// <param name="buildId">The kernel's build-id.</param>
    /// <param name="rules">With which set of rules it was checked.</param>
    /// <param name="problems">The rules that it breaks.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>False where the build has become another meanwhile, or somebody else was faster.</returns>
    public Task<bool> WithdrawAsync(
        StoredBuild build,
        string buildId,
        int rules,
        IReadOnlyList<ProblemReport> problems,
        CancellationToken cancellation
    ) =>
        ChangeAsync(
            build.Id,
            async transaction =>
            {
                var withdrawn =
                    await transaction.Connection!.ExecuteAsync(
                        $"""
                        UPDATE builds SET state = 'Withdrawn', checked = @rules, unchecked = NULL, problems = @problems
                        WHERE {IsAsChecked}
                        """,
                        new
                        {
                            rules,
                            problems = JsonSerializer.Serialize(problems, ProtocolJson.Default.IReadOnlyListProblemReport),
                            build.Id,
                            build.End!.Artifact,
                        },
                        transaction
                    ) == 1;
                if (!withdrawn)
                {
                    return false;
                }

                await WithdrawalTable.AddAsync(
                    new()
                    {
                        Artifact = build.End.Artifact!,
                        Build = build.Id,
                        Release = build.Release,
                        BuildId = buildId,
                        Module = build.End.Module ?? "",
                        Patches = build.Patches,
                        Problems = problems,
                        Rules = rules,
                        Withdrawn = clock.GetUtcNow(),
                    },
                    transaction
                );
                await TellAsync(build.Id, BuildState.Withdrawn, transaction);
                return true;
            },
            cancellation
        );

    // It may have been withdrawn by another server, or built anew, while its former module was checked.
    private const string IsAsChecked = "id = @Id AND state = 'Succeeded' AND artifact = @Artifact";

    // A module that was withdrawn and is made anew, byte for byte. By newer rules than those it is fine: it was withdrawn by
    // mistake. By the same ones two looks contradict each other, and the one that found something counts.
    private static async Task<BuildEnd> AfterWithdrawalAsync(BuildEnd end, int rules, DbTransaction transaction)
    {
        if (
            end is not { State: BuildState.Succeeded, Artifact: { } artifact }
            || await WithdrawalTable.FindAsync(artifact, transaction) is not { } withdrawal
        )
        {
            return end;
        }

        if (withdrawal.Rules >= rules)
        {
            return end with { State = BuildState.Withdrawn, Problems = withdrawal.Problems };
        }

        await WithdrawalTable.RemoveAsync(artifact, transaction);
        return end;
    }

    private sealed class StandingRow
    {
        public string State { get; init; } = "";

        public long Checked { get; init; }

        public string? Unchecked { get; init; }

        public string? Artifact { get; init; }
    }
}
