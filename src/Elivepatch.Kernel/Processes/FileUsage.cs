using System.Runtime.InteropServices;
using System.Text;

namespace Elivepatch.Kernel.Processes;

/// <summary>What a file occupies, from statx(2).</summary>
/// <param name="Device">Device of its file system.</param>
/// <param name="Inode">Its number there.</param>
/// <param name="Links">How many names it has.</param>
/// <param name="Bytes">Bytes that it occupies, which may be fewer than it has.</param>
/// <param name="Mode">What it is, and who may do what with it (<c>st_mode</c>).</param>
internal readonly record struct FileUsage(ulong Device, ulong Inode, uint Links, long Bytes, ushort Mode)
{
    private const int CurrentFolder = -100;
    private const uint BasicStats = 0x7ff;
    private const int SectorSize = 512;

    // struct statx of include/uapi/linux/stat.h: the same on every machine.
    private const int Size = 256;
    private const int LinksAt = 16;
    private const int ModeAt = 28;
    private const int InodeAt = 32;
    private const int BlocksAt = 48;
    private const int DeviceAt = 136;

    // S_IFMT and S_IFREG of include/uapi/linux/stat.h.
    private const int TypeBits = 0xf000;
    private const int RegularType = 0x8000;

    /// <summary>True for a file that reading comes to the end of: no pipe, no device.</summary>
    public bool IsRegularFile => (Mode & TypeBits) == RegularType;

    /// <summary>Looks at a file, through links; null where it cannot be seen.</summary>
    public static FileUsage? Of(string path)
    {
        var buffer = new byte[Size];
        if (StatX(CurrentFolder, Encoding.UTF8.GetBytes(path + "\0"), 0, BasicStats, buffer) != 0)
        {
            return null;
        }

        return new(
            BitConverter.ToUInt64(buffer, DeviceAt),
            BitConverter.ToUInt64(buffer, InodeAt),
            BitConverter.ToUInt32(buffer, LinksAt),
            (long)BitConverter.ToUInt64(buffer, BlocksAt) * SectorSize,
            BitConverter.ToUInt16(buffer, ModeAt)
        );
    }

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int StatX(int folder, byte[] path, int flags, uint mask, byte[] buffer);
}
