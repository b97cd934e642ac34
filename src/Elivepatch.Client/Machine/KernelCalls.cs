using System.Runtime.InteropServices;

namespace Elivepatch.Client.Machine;

/// <summary>
/// The three system calls by which a command changes or asks the kernel where no file does: finit_module(2), delete_module(2)
/// and syslog(2). A test gives its own.
/// </summary>
/// <param name="load">Loads the module file at a path; 0 or an errno.</param>
/// <param name="unload">Unloads the module of a name; 0 or an errno.</param>
/// <param name="log">The kernel's log; empty where it may not be read.</param>
internal sealed partial class KernelCalls(Func<string, int> load, Func<string, int> unload, Func<string> log)
{
    /// <summary>errno(3): no such thing.</summary>
    public const int NotThere = 2;

    /// <summary>errno(3): in use, without waiting.</summary>
    public const int WouldBlock = 11;

    /// <summary>errno(3): already there.</summary>
    public const int AlreadyThere = 17;

    // Numbers of arch/x86/entry/syscalls/syscall_64.tbl: the C library has no functions for the first two.
    private const nint DeleteModule = 176;
    private const nint FinitModule = 313;

    // SYSLOG_ACTION_READ_ALL of include/linux/syslog.h.
    private const int ReadAll = 3;
    private const int LogSize = 256 << 10;

    // O_NONBLOCK: fail where the module is in use instead of waiting.
    private const int WithoutWaiting = 0x800;

    /// <summary>The calls of the running kernel.</summary>
    public static KernelCalls OfKernel() => new(LoadFile, name => Error(SystemCall(DeleteModule, name, WithoutWaiting)), ReadLog);

    /// <summary>Loads the module file at a path without parameters; 0 or an errno.</summary>
    public int Load(string path) => load(path);

    /// <summary>Unloads a module; 0 or an errno.</summary>
    public int Unload(string name) => unload(name);

    /// <summary>The last lines of the kernel's log.</summary>
    public IReadOnlyList<string> LogTail(int lines) =>
        [.. log().TrimEnd('\n').Split('\n').Where(l => l.Length > 0).TakeLast(lines)];

    /// <summary>What an errno means.</summary>
    public static string Meaning(int error) => $"{Marshal.GetPInvokeErrorMessage(error)} (errno {error})";

    private static int LoadFile(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Error(SystemCall(FinitModule, (int)file.DangerousGetHandle(), "", 0));
    }

    private static string ReadLog()
    {
        var buffer = new byte[LogSize];
        var count = KernelLog(ReadAll, buffer, buffer.Length);
        return count > 0 ? System.Text.Encoding.UTF8.GetString(buffer, 0, count) : "";
    }

    private static int Error(nint result) => result == 0 ? 0 : Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint SystemCall(nint number, string name, int flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint SystemCall(nint number, int file, string parameters, int flags);

    [LibraryImport("libc", EntryPoint = "klogctl", SetLastError = true)]
    private static partial int KernelLog(int action, byte[] buffer, int size);
}
