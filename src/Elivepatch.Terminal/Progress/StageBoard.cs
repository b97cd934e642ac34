using Elivepatch.Model.Progress;

namespace Elivepatch.Terminal.Progress;

/// <summary>Where every stage of a long operation stands. Events come from any thread.</summary>
internal sealed class StageBoard(TimeProvider time)
{
    private readonly Lock access = new();
    private readonly List<Row> rows = [];

    /// <summary>Takes an event; true where it says something new, and not just how far a stage has come.</summary>
    public bool Apply(StageEvent happened)
    {
        lock (access)
        {
            var now = time.GetTimestamp();
            var row = rows.Find(r => r.Stage == happened.Stage);
            if (row is null)
            {
                rows.Add(row = new(happened.Stage));
            }

            var isNews =
                row.State != happened.State
                || (happened.State == StageState.Running && happened.Detail != row.Detail && happened.Done is null);
            if (row.State == StageState.Running)
            {
                row.Elapsed += time.GetElapsedTime(row.Since, now);
            }

            (row.State, row.Since, row.Done, row.Total) = (happened.State, now, happened.Done, happened.Total);
            if (happened.Detail.Length > 0 || happened.State == StageState.Running)
            {
                row.Detail = happened.Detail;
            }

            return isNews;
        }
    }

    /// <summary>All stages in the order in which they began.</summary>
    public IReadOnlyList<StageLine> Lines()
    {
        lock (access)
        {
            return
            [
                .. rows.Select(r => new StageLine(
                    r.Stage,
                    r.Detail,
                    r.State ?? StageState.Running,
                    r.Elapsed + (r.State == StageState.Running ? time.GetElapsedTime(r.Since) : TimeSpan.Zero),
                    r.Done,
                    r.Total
                )),
            ];
        }
    }

    private sealed class Row(string stage)
    {
        public string Stage { get; } = stage;

        public string Detail { get; set; } = "";

        public StageState? State { get; set; }

        public long Since { get; set; }

        public TimeSpan Elapsed { get; set; }

        public long? Done { get; set; }

        public long? Total { get; set; }
    }
}
