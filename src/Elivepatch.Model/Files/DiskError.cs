namespace Elivepatch.Model.Files;

/// <summary>What a failed write says of the disk.</summary>
public static class DiskError
{
    // ENOSPC, EROFS and EDQUOT of asm-generic/errno.h, as the runtime hands them on.
    private const int NoSpace = 28,
        ReadOnly = 30,
        QuotaExceeded = 122;

    /// <summary>True where there is no room, now.</summary>
    public static bool IsFull(Exception error) => error is IOException { HResult: NoSpace or QuotaExceeded };

    /// <summary>True where it is the disk that fails, and not what was asked of it.</summary>
    public static bool IsDiskFailure(IOException error) => IsFull(error) || error.HResult == ReadOnly;
}
