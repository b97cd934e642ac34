using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Pages;

/// <summary>A page of the list of builds.</summary>
public sealed record BuildsModel
{
    private const int PageSize = 50;

    /// <summary>The builds.</summary>
    public required IReadOnlyList<BuildView> Builds { get; init; }

    /// <summary>The state that is shown alone, or null.</summary>
    public BuildState? State { get; init; }

    /// <summary>What was searched for; empty for nothing.</summary>
    public string Text { get; init; } = "";

    /// <summary>The last build of the page before, or null on the first page.</summary>
    public string? After { get; init; }

    /// <summary>The last build of this page where there are more, or null.</summary>
    public string? Next { get; init; }

    /// <summary>How many builds are in each state.</summary>
    public required IReadOnlyDictionary<BuildState, long> Counts { get; init; }

    /// <summary>Reads and shows it.</summary>
    internal static async Task<IResult> ShowAsync(
        string? state,
        string? q,
        string? after,
        BuildTable builds,
        CancellationToken cancellation
    )
    {
        var text = (q ?? "").Trim();
        var wanted = Enum.GetValues<BuildState>().Cast<BuildState?>().FirstOrDefault(s => Display.Word(s!.Value) == state);
        if (state is { Length: > 0 } && wanted is null)
        {
            return Malformed("there is no such state");
        }

        if (SearchText.FindProblem(text) is { } why)
        {
            return Malformed(why);
        }

        if (after is not null && await builds.FindAsync(after, cancellation) is null)
        {
            return Malformed("the requested page begins after a build that does not exist");
        }

        var search = new BuildSearch
        {
            State = wanted,
            Text = text.Length == 0 ? null : text,
            After = after,
        };
        // One more than the page shows whether there is another.
        var found = await builds.SearchAsync(search, PageSize + 1, cancellation);
        return new PageResult<BuildsPage, BuildsModel>(
            new()
            {
                Builds = [.. found.Take(PageSize).Select(BuildViews.Of)],
                State = wanted,
                Text = text,
                After = after,
                Next = found.Count > PageSize ? found[PageSize - 1].Id : null,
                Counts = await builds.CountByStateAsync(cancellation),
            }
        );
    }

    /// <summary>The list with another state.</summary>
    internal string In(BuildState? state) =>
        PageRoutes.WithQuery(PageRoutes.Builds, ("state", state is { } word ? Display.Word(word) : null), ("q", Text));

    /// <summary>Another page of the list.</summary>
    internal string NextPageUrl(string? build) =>
        PageRoutes.WithQuery(
            PageRoutes.Builds,
            ("state", State is { } word ? Display.Word(word) : null),
            ("q", Text),
            ("after", build)
        );

    private static IResult Malformed(string reason) => PageProblems.PageFor(new Problem(ServerProblems.RequestMalformed, reason));
}
