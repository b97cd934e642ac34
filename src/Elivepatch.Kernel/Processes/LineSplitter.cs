using System.Text;

namespace Elivepatch.Kernel.Processes;

/// <summary>Cuts a stream of bytes into lines for a callback; a line longer than 64 KiB comes in pieces.</summary>
internal sealed class LineSplitter(Action<string> onLine)
{
    private const int LongestPiece = 64 << 10;
    private readonly List<byte> pending = [];

    /// <summary>Takes more bytes of the stream.</summary>
    public void Append(ReadOnlySpan<byte> more)
    {
        foreach (var b in more)
        {
            if (b == '\n')
            {
                Emit();
            }
            else
            {
                pending.Add(b);
            }

            if (pending.Count >= LongestPiece)
            {
                Emit();
            }
        }
    }

    /// <summary>Hands out what is left when the stream ends without a newline.</summary>
    public void End()
    {
        if (pending.Count > 0)
        {
            Emit();
        }
    }

    private void Emit()
    {
        var text = Encoding.UTF8.GetString(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pending)).TrimEnd('\r');
        pending.Clear();
        onLine(text);
    }
}
