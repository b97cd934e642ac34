using System.Runtime.InteropServices;

namespace Elivepatch.Machine;

/// <summary>
/// Files that are whole and on the disk when the call returns, whatever happens to the machine then: written beside their place,
/// flushed, renamed, and the folder flushed too, without which the rename itself could be lost. Only root reads them.
/// </summary>
public static partial class DurableFile
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string Mark = ".unfinished-";

    /// <summary>Writes a file in place of what is there.</summary>
    /// <exception cref="IOException">It cannot be written; what was there still is.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = Private)
    {
        var folder = Path.GetDirectoryName(path)!;
        var temporary = Path.Combine(folder, Mark + Path.GetRandomFileName());
        try
        {
            using (
                var stream = new FileStream(
                    temporary,
                    new FileStreamOptions
                    {
                        Mode = FileMode.CreateNew,
                        Access = FileAccess.Write,
                        UnixCreateMode = Private,
                    }
                )
            )
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
                if (mode != Private)
                {
                    File.SetUnixFileMode(stream.SafeFileHandle, mode);
                }
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw;
        }
        FlushFolder(folder);
    }

    /// <summary>Removes what killed runs left in a folder.</summary>
    public static void RemoveUnfinished(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, Mark + "*"))
        {
            File.Delete(path);
        }
    }

    private static void FlushFolder(string folder)
    {
        // O_RDONLY | O_DIRECTORY | O_CLOEXEC of x86-64; the runtime opens no folders.
        var file = Open(folder, 0x90000);
        if (file < 0)
        {
            throw new IOException($"{folder}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }

        try
        {
            if (Flush(file) != 0)
            {
                throw new IOException($"{folder}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
            }
        }
        finally
        {
            _ = Close(file);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
