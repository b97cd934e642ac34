using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Elivepatch.Machine;

/// <summary>
/// The three system calls by which a command changes or asks the kernel where no file does: finit_module(2), delete_module(2)
/// and syslog(2). A test gives its own.
/// </summary>
/// <param name="load">Loads the module file at a path; 0 or an errno.</param>
/// <param name="unload">Unloads the module of a name; 0 or an errno.</param>
/// <param name="log">The kernel's log; empty where it may not be read.</param>
public sealed partial class KernelCalls(Func<string, int> load, Func<string, int> unload, Func<string> log)
{
    /// <summary>errno(3): no such thing.</summary>
    public const int NotThere = 2;

    /// <summary>errno(3): not permitted.</summary>
    public const int NotPermitted = 1;

    /// <summary>errno(3): not in a form that can be run.</summary>
    public const int NotExecutable = 8;

    /// <summary>errno(3): in use, without waiting.</summary>
    public const int WouldBlock = 11;

    /// <summary>errno(3): no memory.</summary>
    public const int NoMemory = 12;

    /// <summary>errno(3): busy.</summary>
    public const int Busy = 16;

    /// <summary>errno(3): already there.</summary>
    public const int AlreadyThere = 17;

    /// <summary>errno(3): a signature that is none.</summary>
    public const int BadMessage = 74;

    /// <summary>errno(3): a key that is not there.</summary>
    public const int KeyMissing = 126;

    /// <summary>errno(3): a key, or the want of one, that is not accepted.</summary>
    public const int KeyRejected = 129;

    // errno(3): no such system call.
    private const int NoSuchCall = 38;

    // SYSLOG_ACTION_READ_ALL of include/linux/syslog.h.
    private const int ReadAll = 3;
    private const int LogSize = 256 << 10;

    // O_NONBLOCK: fail where the module is in use instead of waiting.
    private const int WithoutWaiting = 0x800;

    /// <summary>The calls of the running kernel.</summary>
    public static KernelCalls OfKernel() => new(LoadFile, UnloadModule, ReadLog);

    /// <summary>Loads the module file at a path without parameters; 0 or an errno.</summary>
    public int Load(string path) => load(path);

    /// <summary>Unloads a module; 0 or an errno.</summary>
    public int Unload(string name) => unload(name);

    /// <summary>The kernel's log, as far back as it goes.</summary>
    public IReadOnlyList<string> GetLog() =>
        [.. log().Split('\n').Where(l => l.Length > 0).Select(l => Level().Replace(l, "", 1))];

    /// <summary>
    /// What the log has that it did not have before. Lines need not differ (<c>printk.time=0</c>), and the first ones may be
    /// gone: what is old is the longest end of the earlier log that the later one begins with.
    /// </summary>
    public IReadOnlyList<string> GetLogSince(IReadOnlyList<string> before)
    {
        var now = GetLog();
        var old = Math.Min(before.Count, now.Count);
        while (!before.Skip(before.Count - old).SequenceEqual(now.Take(old)))
        {
            old--;
        }

        return [.. now.Skip(old)];
    }

    /// <summary>What an errno means.</summary>
    public static string Describe(int error) => $"{Marshal.GetPInvokeErrorMessage(error)} (errno {error})";

    private static int LoadFile(string path)
    {
        if (SystemCallNumbers.OfMachine is not { } numbers)
        {
            return NoSuchCall;
        }

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Error(SystemCall(numbers.FinitModule, (int)file.DangerousGetHandle(), "", 0));
    }

    private static int UnloadModule(string name) =>
        SystemCallNumbers.OfMachine is { } numbers ? Error(SystemCall(numbers.DeleteModule, name, WithoutWaiting)) : NoSuchCall;

    private static string ReadLog()
    {
        var buffer = new byte[LogSize];
        var count = KernelLog(ReadAll, buffer, buffer.Length);
        return count > 0 ? System.Text.Encoding.UTF8.GetString(buffer, 0, count) : "";
    }

    private static int Error(nint result) => result == 0 ? 0 : Marshal.GetLastPInvokeError();

    // `<6>[   12.345678] text`: facility and level are for log daemons.
    [GeneratedRegex("^<[0-9]{1,4}>")]
    private static partial Regex Level();

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint SystemCall(nint number, string name, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint SystemCall(nint number, int file, string parameters, int flags);

    [LibraryImport("libc", EntryPoint = "klogctl", SetLastError = true)]
    private static partial int KernelLog(int action, byte[] buffer, int size);
}
