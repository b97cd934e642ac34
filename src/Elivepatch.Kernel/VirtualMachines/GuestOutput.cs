using System.Text;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>
/// Follows a running guest: passes on what it tells, and asks for its end where it says too much, nothing any more, or nonsense.
/// </summary>
internal sealed class GuestOutput : IDisposable
{
    private readonly GuestJob job;
    private readonly Lock gate = new();
    private readonly GuestStream stream;
    private readonly StringBuilder console = new();
    private readonly CancellationTokenSource stop = new();
    private long channelLength;

    /// <summary>Begins to listen.</summary>
    public GuestOutput(GuestJob job)
    {
        this.job = job;
        stream = new(job.OutputLimit);
        stop.CancelAfter(job.SilenceLimit);
    }

    /// <summary>Set when the guest is to be killed.</summary>
    public CancellationToken Stopped => stop.Token;

    /// <summary>The guest wrote more than it may.</summary>
    public bool ExceededLimit { get; private set; }

    /// <summary>What the guest sends where its files should be is nothing that could be read.</summary>
    public bool IsBroken => stream.IsBroken;

    /// <summary>
    /// Before the guest told anything, its emulator said that KVM cannot run it. It does not end by itself then.
    /// </summary>
    public bool KvmFailed { get; private set; }

    /// <summary>What the guest told so far.</summary>
    public IReadOnlyList<GuestEvent> Events
    {
        get
        {
            lock (gate)
            {
                return [.. stream.Events];
            }
        }
    }

    /// <summary>Its console so far.</summary>
    public string Console
    {
        get
        {
            lock (gate)
            {
                return console.ToString();
            }
        }
    }

    /// <summary>The files that the guest left; null where they did not come whole.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? ReadFiles()
    {
        lock (gate)
        {
            return stream.ReadFiles();
        }
    }

    /// <summary>Takes bytes of the channel; returns what the guest is to be answered, once, when its files are here.</summary>
    public byte[]? AppendChannel(ReadOnlySpan<byte> bytes)
    {
        IReadOnlyList<GuestEvent> told;
        byte[]? answer;
        lock (gate)
        {
            channelLength += bytes.Length;
            Heard(channelLength);
            if (ExceededLimit || IsBroken)
            {
                return null;
            }

            var (known, wasWhole) = (stream.Events.Count, stream.Receipt is not null);
            stream.Append(bytes);
            told = [.. stream.Events.Skip(known)];
            answer = wasWhole ? null : stream.Receipt;
            if (IsBroken)
            {
                stop.Cancel();
            }
        }
        foreach (var happened in told)
        {
            job.OnEvent?.Invoke(happened);
        }

        return answer;
    }

    /// <summary>Takes a line of the console.</summary>
    public void AppendConsole(string line)
    {
        lock (gate)
        {
            Heard(console.Length);
            if (!ExceededLimit)
            {
                console.Append(line).Append('\n');
            }

            if (stream.Events.Count > 0 || !KvmDevice.ReportsFailure(line))
            {
                return;
            }

            KvmFailed = true;
            stop.Cancel();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stop.Dispose();

    private void Heard(long length)
    {
        if (length > job.OutputLimit)
        {
            ExceededLimit = true;
            stop.Cancel();
        }
        else if (!stop.IsCancellationRequested)
        {
            stop.CancelAfter(job.SilenceLimit);
        }
    }
}
