// In: a ProcessRequest. Out: what the process left. Every process of the product starts here, so that each one has its own
// session (one kill ends it with all its children), a time limit, bounded output, and an end when we end.

using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Elivepatch.Kernel.Processes;

/// <summary>Runs one process to its end.</summary>
public static class ProcessRunner
{
    private const int SigKill = 9;
    private const int NotFound = 127;
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    // The shell adds PWD to the environment by itself.
    private static readonly string[] EndsWithUs =
    [
        "/usr/bin/setpriv",
        "--pdeathsig",
        "KILL",
        "--",
        "/bin/sh",
        "-c",
        """unset PWD; [ "$PPID" = "$0" ] && exec "$@" """,
        System.Environment.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture),
    ];

    /// <summary>
    /// Runs a process and waits for it. On timeout its whole process group is killed and the result says so; on cancellation it
    /// is killed likewise and <see cref="OperationCanceledException"/> is thrown.
    /// </summary>
    public static Task<ProcessResult> RunAsync(ProcessRequest request, CancellationToken cancellation) =>
        RunAsync(request, null, cancellation);

    /// <summary>Runs a process that somebody watches, who may want its end.</summary>
    /// <param name="request">The process.</param>
    /// <param name="watch">
    /// Told the process's id when it has started; runs until its cancellation, or ends earlier and has the whole group killed.
    /// </param>
    /// <param name="cancellation">Ends it.</param>
    internal static async Task<ProcessResult> RunAsync(
        ProcessRequest request,
        Func<int, CancellationToken, Task>? watch,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        var output = new BoundedBuffer(request.OutputLimit);
        var error = new BoundedBuffer(request.OutputLimit);
        var clock = Stopwatch.StartNew();
        if (StartInfo(request) is not { } info)
        {
            error.Append(System.Text.Encoding.UTF8.GetBytes($"{request.File}: not found"));
            return new(NotFound, output, error, clock.Elapsed, false);
        }
        using var process = await SpawnThread.StartAsync(info);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        end.CancelAfter(request.Timeout);
        var reading = Task.WhenAll(
            ReadAsync(process.StandardOutput.BaseStream, output, request.OnOutputLine),
            ReadAsync(process.StandardError.BaseStream, error, request.OnErrorLine)
        );
        var writing = WriteAsync(process, request.Input);
        using var watched = new CancellationTokenSource();
        var watching = watch is null ? null : EndWhenUnwantedAsync(watch(process.Id, watched.Token), end);
        var ended = false;
        try
        {
            await process.WaitForExitAsync(end.Token);
        }
        catch (OperationCanceledException)
        {
            ended = true;
            KillGroup(process);
            await process.WaitForExitAsync(CancellationToken.None);
            await WaitForGroupAsync(process.Id);
        }
        await watched.CancelAsync();
        var unwanted = watching is not null && await watching;
        await DrainAsync(process, reading);
        await Task.WhenAny(writing, Task.Delay(DrainTime, CancellationToken.None));
        cancellation.ThrowIfCancellationRequested();
        return new(process.ExitCode, output, error, clock.Elapsed, ended && !unwanted);
    }

    // True where the watch ended before it was told to.
    private static async Task<bool> EndWhenUnwantedAsync(Task watching, CancellationTokenSource end)
    {
        try
        {
            await watching;
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        await end.CancelAsync();
        return true;
    }

    // setsid(1) makes the child the leader of a session and process group of its own; setpriv(1) lets the kernel kill it when we
    // are gone; the shell ends where we were gone before that. They set an attribute, look, and exec, so the process id stays
    // that of the program.
    private static ProcessStartInfo? StartInfo(ProcessRequest request)
    {
        var path = request.Environment.GetValueOrDefault("PATH");
        if (Executables.Find(request.File, path) is not { } file)
        {
            return null;
        }

        var info = new ProcessStartInfo
        {
            FileName = "/usr/bin/setsid",
            WorkingDirectory = request.WorkingDirectory ?? "",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var word in (string[])[.. EndsWithUs, file, .. request.Arguments])
        {
            info.ArgumentList.Add(word);
        }

        if (!request.InheritEnvironment)
        {
            info.Environment.Clear();
        }

        foreach (var (name, value) in request.Environment)
        {
            info.Environment[name] = value;
        }

        return info;
    }

    private static async Task ReadAsync(Stream stream, BoundedBuffer buffer, Action<string>? onLine)
    {
        var lines = onLine is null ? null : new LineSplitter(onLine);
        var chunk = new byte[32 << 10];
        try
        {
            while (await stream.ReadAsync(chunk) is var count and > 0)
            {
                buffer.Append(chunk.AsSpan(0, count));
                lines?.Append(chunk.AsSpan(0, count));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The stream was closed over our head after the process had ended.
        }
        lines?.End();
    }

    private static async Task WriteAsync(Process process, ReadOnlyMemory<byte> input)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The process did not want all of its input; its exit status says whether that matters.
        }
    }

    // A child of the process may hold our pipes open after its parent has ended: it does not get to keep us waiting.
    private static async Task DrainAsync(Process process, Task reading)
    {
        if (await Task.WhenAny(reading, Task.Delay(DrainTime, CancellationToken.None)) == reading)
        {
            await reading;
            return;
        }
        KillGroup(process);
        if (await Task.WhenAny(reading, Task.Delay(DrainTime, CancellationToken.None)) == reading)
        {
            await reading;
        }
    }

    // The others of the group die with the first and not before it; a large one takes its time.
    private static async Task WaitForGroupAsync(int group)
    {
        var end = Stopwatch.StartNew();
        while (Kill(-group, 0) == 0 && end.Elapsed < DrainTime)
        {
            await Task.Delay(10, CancellationToken.None);
        }
    }

    private static void KillGroup(Process process)
    {
        _ = Kill(-process.Id, SigKill);
        try
        {
            // Before the child has called setsid there is no such group yet.
            process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It has ended by itself.
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
