namespace Elivepatch.Kernel.Processes;

/// <summary>The first bytes of a stream up to a limit, and the number of those that followed.</summary>
internal sealed class BoundedBuffer(int limit)
{
    private byte[] bytes = new byte[Math.Min(limit, 4096)];
    private int length;

    /// <summary>Bytes that came after the limit was reached.</summary>
    public long Dropped { get; private set; }

    /// <summary>The bytes kept.</summary>
    public ReadOnlyMemory<byte> Kept => bytes.AsMemory(0, length);

    /// <summary>Takes more bytes of the stream.</summary>
    public void Append(ReadOnlySpan<byte> more)
    {
        var take = Math.Min(more.Length, limit - length);
        if (length + take > bytes.Length)
        {
            Array.Resize(ref bytes, (int)Math.Min(limit, Math.Max((long)bytes.Length * 2, length + take)));
        }

        more[..take].CopyTo(bytes.AsSpan(length));
        length += take;
        Dropped += more.Length - take;
    }
}
