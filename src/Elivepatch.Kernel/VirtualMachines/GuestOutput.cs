using System.Text;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Follows a running guest: passes on what it tells, and asks for its end where it says too much or nothing any more.</summary>
internal sealed class GuestOutput : IDisposable
{
    private readonly GuestJob job;
    private readonly Lock gate = new();
    private readonly List<GuestEvent> events = [];
    private readonly StringBuilder console = new();
    private readonly CancellationTokenSource stop = new();
    private long channelLength;
    private bool inFiles;

    /// <summary>Begins to listen.</summary>
    public GuestOutput(GuestJob job)
    {
        this.job = job;
        stop.CancelAfter(job.SilenceLimit);
    }

    /// <summary>Set when the guest is to be killed.</summary>
    public CancellationToken Stopped => stop.Token;

    /// <summary>The guest wrote more than it may.</summary>
    public bool SaidTooMuch { get; private set; }

    /// <summary>What the guest told so far.</summary>
    public IReadOnlyList<GuestEvent> Events
    {
        get
        {
            lock (gate)
                return [.. events];
        }
    }

    /// <summary>Its console so far.</summary>
    public string Console
    {
        get
        {
            lock (gate)
                return console.ToString();
        }
    }

    /// <summary>Takes a line of the channel.</summary>
    public void TakeChannel(string line)
    {
        GuestEvent? happened;
        lock (gate)
        {
            channelLength += line.Length + 1;
            Heard(channelLength);
            inFiles |= line.StartsWith("= ", StringComparison.Ordinal);
            if (inFiles || SaidTooMuch || (happened = GuestStream.ParseLine(line)) is null)
                return;
            events.Add(happened);
        }
        job.OnEvent?.Invoke(happened);
    }

    /// <summary>Takes a line of the console.</summary>
    public void TakeConsole(string line)
    {
        lock (gate)
        {
            Heard(console.Length);
            if (!SaidTooMuch)
                console.Append(line).Append('\n');
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stop.Dispose();

    private void Heard(long length)
    {
        if (length > job.OutputLimit)
        {
            SaidTooMuch = true;
            stop.Cancel();
        }
        else if (!stop.IsCancellationRequested)
        {
            stop.CancelAfter(job.SilenceLimit);
        }
    }
}
