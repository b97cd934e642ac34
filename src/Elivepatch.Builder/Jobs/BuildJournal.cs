// In: what happens in a running build, from any thread. Out: the same, many at once and in order, to whoever keeps it: that waits
// for a disk or a network, and a compiler does not wait for that.

using System.Threading.Channels;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Builder.Jobs;

/// <summary>Writes the events of one build.</summary>
public sealed class BuildJournal : IProgress<BuildEvent>, IAsyncDisposable
{
    /// <summary>The most events of one build; a log that goes on is cut.</summary>
    public const int MostEvents = 20_000;

    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private const int MostAtOnce = 1000;
    private const int MostAttempts = 300;

    // What is reported faster than it can be written is dropped: a log is not worth the memory of the server.
    private readonly Channel<BuildEvent> happened = Channel.CreateBounded<BuildEvent>(
        new BoundedChannelOptions(MostEvents) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite }
    );

    private readonly Func<IReadOnlyList<BuildEvent>, Task<bool>> keep;
    private readonly Task writing;

    /// <summary>Begins.</summary>
    /// <param name="keep">
    /// Keeps events, or loses them where they cannot be kept: the build's end says so. False where it is worth another try.
    /// </param>
    public BuildJournal(Func<IReadOnlyList<BuildEvent>, Task<bool>> keep)
    {
        this.keep = keep;
        writing = Task.Run(WriteAsync);
    }

    /// <inheritdoc/>
    public void Report(BuildEvent value) => happened.Writer.TryWrite(value);

    /// <summary>Writes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        happened.Writer.TryComplete();
        await writing;
    }

    private async Task WriteAsync()
    {
        while (await happened.Reader.WaitToReadAsync())
        {
            // What comes right after goes along. At the end nothing comes any more, so nobody waits for it.
            await Task.WhenAny(happened.Reader.Completion, Task.Delay(Gathering));
            var batch = new List<BuildEvent>();
            while (batch.Count < MostAtOnce && happened.Reader.TryRead(out var next))
            {
                Add(batch, next);
            }
            // A database that restarts is waited for; what happens meanwhile gathers behind.
            for (var attempt = 0; !await keep(batch) && attempt < MostAttempts; attempt++)
            {
                await Task.Delay(Pause);
            }
        }
    }

    // Of a stage that goes on, only where it stands now is of interest.
    private static void Add(List<BuildEvent> batch, BuildEvent next)
    {
        if (
            batch.Count > 0
            && batch[^1] is { Kind: BuildEventKind.Stage, Status: "running" } last
            && next.Kind == BuildEventKind.Stage
            && next.Stage == last.Stage
            && next.Status == "running"
        )
        {
            batch[^1] = next;
        }
        else
        {
            batch.Add(next);
        }
    }
}
