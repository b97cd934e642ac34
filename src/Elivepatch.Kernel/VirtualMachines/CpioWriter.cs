// In: directories, files and device nodes. Out: a cpio archive in the "newc" form, which the kernel unpacks as its initial root
// file system (Documentation/driver-api/early-userspace/buffer-format.rst of the kernel source). It is left uncompressed: every
// kernel with an initramfs takes that, whichever decompressors it has, and under emulation it is also the fastest.

using System.Globalization;
using System.Text;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Writes a newc cpio archive.</summary>
internal sealed class CpioWriter(Stream output)
{
    private const int DirectoryMode = 0x41ED; // S_IFDIR | 0755
    private const int FileMode = 0x8000; // S_IFREG
    private const int CharacterDeviceMode = 0x2180; // S_IFCHR | 0600
    private readonly HashSet<string> directories = [];
    private uint inode;

    /// <summary>Adds a directory and whatever is above it, unless it is there already.</summary>
    public void AddDirectory(string path)
    {
        if (path.Length == 0 || directories.Contains(path))
        {
            return;
        }

        AddDirectory(Parent(path));
        directories.Add(path);
        AddEntry(path, DirectoryMode, default, 0, 0);
    }

    /// <summary>Adds a regular file and the directories above it.</summary>
    public void AddFile(string path, ReadOnlySpan<byte> content, bool executable)
    {
        AddDirectory(Parent(path));
        AddEntry(path, FileMode | (executable ? 0x1ED : 0x1A4), content, 0, 0);
    }

    /// <summary>Adds a character device node and the directories above it.</summary>
    public void AddCharacterDevice(string path, int major, int minor)
    {
        AddDirectory(Parent(path));
        AddEntry(path, CharacterDeviceMode, default, major, minor);
    }

    /// <summary>Ends the archive.</summary>
    public void End() => AddEntry("TRAILER!!!", 0, default, 0, 0);

    private static string Parent(string path) => path.LastIndexOf('/') is var slash and > 0 ? path[..slash] : "";

    // The header is "070701" and thirteen numbers of eight hexadecimal digits: inode, mode, owner, group, links, time, size,
    // device, device number for nodes, length of the name with its NUL, checksum (unused). Name and content are each padded
    // so that what follows begins at a multiple of four.
    private void AddEntry(string path, int mode, ReadOnlySpan<byte> content, int major, int minor)
    {
        var name = Encoding.UTF8.GetBytes(path);
        var header = string.Create(
            CultureInfo.InvariantCulture,
            $"070701{++inode:X8}{mode:X8}{0:X8}{0:X8}{1:X8}{0:X8}{content.Length:X8}{0:X8}{0:X8}{major:X8}{minor:X8}{name.Length + 1:X8}{0:X8}"
        );
        output.Write(Encoding.ASCII.GetBytes(header));
        output.Write(name);
        output.WriteByte(0);
        Pad(header.Length + name.Length + 1);
        output.Write(content);
        Pad(content.Length);
    }

    private void Pad(int written)
    {
        for (; written % 4 != 0; written++)
        {
            output.WriteByte(0);
        }
    }
}
