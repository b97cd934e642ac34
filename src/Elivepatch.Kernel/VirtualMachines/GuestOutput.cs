using System.Text;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Follows a running guest: passes on what it tells and stops it where it says too much.</summary>
internal sealed class GuestOutput(int limit, Action<GuestEvent>? onEvent, Action stop)
{
    private const int MostConsole = 1 << 20;
    private readonly Lock gate = new();
    private readonly List<GuestEvent> events = [];
    private readonly StringBuilder console = new();
    private long channelBytes;
    private long consoleBytes;
    private bool inFiles;

    /// <summary>What the guest told so far.</summary>
    public IReadOnlyList<GuestEvent> Events
    {
        get
        {
            lock (gate)
                return [.. events];
        }
    }

    /// <summary>The beginning of its console.</summary>
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
        channelBytes += line.Length + 1;
        if (channelBytes > limit)
            stop();
        inFiles |= line.StartsWith("= ", StringComparison.Ordinal);
        if (inFiles || channelBytes > limit || GuestStream.ParseLine(line) is not { } happened)
            return;
        lock (gate)
            events.Add(happened);
        onEvent?.Invoke(happened);
    }

    /// <summary>Takes a line of the console.</summary>
    public void TakeConsole(string line)
    {
        consoleBytes += line.Length + 1;
        if (consoleBytes > limit)
            stop();
        lock (gate)
        {
            if (console.Length < MostConsole)
                console.Append(line).Append('\n');
        }
    }
}
