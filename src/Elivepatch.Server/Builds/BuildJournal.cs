// In: what happens in a running build, from any thread. Out: the same, many at once and in order, to whoever keeps it: that waits for
// a disk or a network, and a compiler does not wait for that.

using System.Data.Common;
using System.Threading.Channels;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.State;
using Npgsql;

namespace Elivepatch.Server.Builds;

/// <summary>Writes the events of one build.</summary>
internal sealed class BuildJournal : IProgress<BuildEvent>, IAsyncDisposable
{
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private const int MostAtOnce = 1000;
    private const int MostAttempts = 300;

    // What is reported faster than it can be written is dropped: a log is not worth the memory of the server.
    private readonly Channel<BuildEvent> happened = Channel.CreateBounded<BuildEvent>(
        new BoundedChannelOptions(BuildEventTable.MostEvents) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite });

    private readonly Func<IReadOnlyList<BuildEvent>, Task> keep;
    private readonly Task writing;

    /// <summary>Begins.</summary>
    /// <param name="keep">Keeps events; a failing database or server loses them, and the build's end says so.</param>
    public BuildJournal(Func<IReadOnlyList<BuildEvent>, Task> keep)
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
                Add(batch, next);
            // A database that restarts is waited for; what happens meanwhile gathers behind.
            for (var attempt = 0; !await TryWriteAsync(batch) && attempt < MostAttempts; attempt++)
                await Task.Delay(Pause);
        }
    }

    private async Task<bool> TryWriteAsync(List<BuildEvent> batch)
    {
        try
        {
            await keep(batch);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
        catch (DbException)
        {
            // A full disk, most likely. The build itself finds that out, and its end says so.
            return true;
        }
    }

    // Of a stage that goes on, only where it stands now is of interest.
    private static void Add(List<BuildEvent> batch, BuildEvent next)
    {
        if (batch.Count > 0 && batch[^1] is { Kind: BuildEventKind.Stage, Status: "running" } last
            && next.Kind == BuildEventKind.Stage && next.Stage == last.Stage && next.Status == "running")
            batch[^1] = next;
        else
            batch.Add(next);
    }
}
