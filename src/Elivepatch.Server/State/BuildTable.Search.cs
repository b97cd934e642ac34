using Dapper;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.State;

/// <summary>Which builds are looked for.</summary>
public sealed record BuildSearch
{
    /// <summary>Only those in this state, or null.</summary>
    public BuildState? State { get; init; }

    /// <summary>Only those whose id, release, requester or patches' names have this in them, or null.</summary>
    public string? Text { get; init; }

    /// <summary>Only those of this kernel, or null.</summary>
    public string? Kernel { get; init; }

    /// <summary>Only those behind the one with this id, or null.</summary>
    public string? After { get; init; }
}

public sealed partial class BuildTable
{
    /// <summary>Finds builds, newest first.</summary>
    public Task<IReadOnlyList<StoredBuild>> SearchAsync(BuildSearch search, int count, CancellationToken cancellation)
    {
        // Only what is asked for is part of the question: a parameter that is null has no type in PostgreSQL.
        List<string> conditions = [];
        if (search.State is not null)
        {
            conditions.Add("state = @state");
        }

        if (search.Text is not null)
        {
            conditions.Add("words LIKE @text ESCAPE '!'");
        }

        if (search.Kernel is not null)
        {
            conditions.Add("kernel = @kernel");
        }

        if (search.After is not null)
        {
            conditions.Add(
                """
                (submitted < (SELECT submitted FROM builds WHERE id = @after)
                 OR (submitted = (SELECT submitted FROM builds WHERE id = @after) AND id > @after))
                """
            );
        }

        var where = conditions.Count == 0 ? "" : $" WHERE {string.Join(" AND ", conditions)}";
        return database.ReadAsync<IReadOnlyList<StoredBuild>>(
            async c =>
                [
                    .. (
                        await c.QueryAsync<Row>(
                            $"{Columns}{where} ORDER BY submitted DESC, id LIMIT @count",
                            new
                            {
                                state = search.State?.ToString() ?? "",
                                text = SearchText.Pattern(search.Text ?? ""),
                                kernel = search.Kernel ?? "",
                                after = search.After ?? "",
                                count,
                            }
                        )
                    ).Select(r => r.ToBuild()),
                ],
            cancellation
        );
    }

    /// <summary>How many builds are in each state; states without builds are left out.</summary>
    public Task<IReadOnlyDictionary<BuildState, long>> CountByStateAsync(CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyDictionary<BuildState, long>>(
            async c =>
                (
                    await c.QueryAsync<(string State, long Count)>("SELECT state, COUNT(*) FROM builds GROUP BY state")
                ).ToDictionary(r => Enum.Parse<BuildState>(r.State), r => r.Count),
            cancellation
        );

    /// <summary>How many builds each kernel has; kernels without builds are left out.</summary>
    public Task<IReadOnlyDictionary<string, long>> CountByKernelAsync(CancellationToken cancellation) =>
        database.ReadAsync<IReadOnlyDictionary<string, long>>(
            async c =>
                (
                    await c.QueryAsync<(string Kernel, long Count)>("SELECT kernel, COUNT(*) FROM builds GROUP BY kernel")
                ).ToDictionary(r => r.Kernel, r => r.Count, StringComparer.Ordinal),
            cancellation
        );
}
