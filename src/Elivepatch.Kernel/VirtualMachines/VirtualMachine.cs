// In: a job. Out: what the guest left of it. One QEMU process in a sandbox, without a network, a disk or anything else of ours but two
// one-way pipes: the console on its standard error and the channel on its standard output. It is emulated in software, so that
// the result does not depend on the machine; a stock kernel reaches our init in about four seconds.

using System.Security.Cryptography;

using Elivepatch.Engine;
using Elivepatch.Kernel.Processes;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Runs jobs in virtual machines.</summary>
public static class VirtualMachine
{
    private const long LargestProgram = 64 << 20;
    private const long LargestFiles = 1L << 30;
    private const long EmulatorMemory = 2L << 30;
    private const int MostBoots = 3;
    private const string InsideKernel = "/guest-kernel";
    private const string InsideImage = "/guest-initramfs";

    /// <summary>
    /// Boots the kernel and runs the job. A guest that ends badly is a result too (<see cref="GuestResult.Ending"/>); a failure
    /// here means that it could not be tried. Cancellation kills the guest.
    /// </summary>
    public static Task<Outcome<GuestResult>> RunAsync(GuestJob job, CancellationToken cancellation) =>
        RunAsync(job, GuestImage.Script("job.sh"), cancellation);

    /// <summary>Runs a job with shell code of ours in the place of that which runs the job's script.</summary>
    internal static async Task<Outcome<GuestResult>> RunAsync(GuestJob job, string main, CancellationToken cancellation)
    {
        if (Check(job) is { } problem)
            return problem;
        if (Executables.Find(QemuCommand.Program) is null)
            return new Problem(ProblemCodes.EmulatorMissing, $"{QemuCommand.Program} is not in the PATH");
        var busybox = FindBusybox();
        if (!busybox.TryGet(out var shell))
            return Outcome<GuestResult>.Failure(busybox.Problems);
        var folder = Directory.CreateTempSubdirectory("elivepatch-vm-");
        try
        {
            var nonce = RandomNumberGenerator.GetHexString(16, lowercase: true);
            var image = Path.Combine(folder.FullName, "initramfs");
            using (var file = File.Create(image))
                GuestImage.Write(file, shell, nonce, main, [GuestFile.Text("script", job.Script), .. job.Files], job.Network);
            var ran = await BootAsync(job, image, nonce, cancellation);
            for (var boots = 1; boots < MostBoots && ran is { Succeeded: true, Value.LostItsTimer: true }; boots++)
                ran = await BootAsync(job, image, nonce, cancellation);
            return ran;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Outcome<GuestResult>> BootAsync(GuestJob job, string image, string nonce, CancellationToken cancellation)
    {
        using var live = new GuestOutput(job);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, live.Stopped);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var request = new SandboxRequest
        {
            File = QemuCommand.Program,
            Arguments = QemuCommand.Arguments(job, InsideKernel, InsideImage),
            Binds = [new(Path.GetFullPath(job.Kernel), InsideKernel), new(image, InsideImage)],
            Limits = Limits(job),
            SharesNetwork = job.Network is not null,
            Timeout = job.Timeout,
            OutputLimit = job.OutputLimit,
            OnOutputLine = live.TakeChannel,
            OnErrorLine = live.TakeConsole,
        };
        try
        {
            var outcome = await Sandbox.RunAsync(request, stop.Token);
            if (!outcome.TryGet(out var result))
                return Outcome<GuestResult>.Failure(outcome.Problems);
            var stream = GuestStream.Parse(result.OutputBytes, job.OutputLimit);
            var ending = result.TimedOut ? GuestEnding.TimedOut : Ending(stream);
            return Result(ending, stream.Events, result.Error, stream.Files, watch.Elapsed, nonce);
        }
        catch (OperationCanceledException) when (live.Stopped.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return Result(live.SaidTooMuch ? GuestEnding.OutputTooLarge : GuestEnding.TimedOut, live.Events, live.Console, null, watch.Elapsed, nonce);
        }
    }

    // The emulator's own memory comes on top of the guest's, and a gigabyte of address space for translated code.
    private static SandboxLimits Limits(GuestJob job)
    {
        var memory = (long)job.Memory << 20;
        return SandboxLimits.Default with
        {
            AddressSpace = memory + SandboxLimits.Default.AddressSpace,
            ProcessorTime = (job.Timeout + TimeSpan.FromMinutes(1)) * (job.Processors + 1),
            TotalMemory = memory + EmulatorMemory,
        };
    }

    private static GuestEnding Ending(GuestStream stream)
    {
        if (stream.Events.Count == 0)
            return GuestEnding.DidNotStart;
        if (!stream.Events.Any(e => e.Name == "end"))
            return GuestEnding.Died;
        return stream.Files is null ? GuestEnding.AnswerMalformed : GuestEnding.Finished;
    }

    private static GuestResult Result(
        GuestEnding ending,
        IReadOnlyList<GuestEvent> events,
        string console,
        IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? files,
        TimeSpan duration,
        string nonce) => new()
        {
            Ending = ending,
            ExitStatus = int.TryParse(events.LastOrDefault(e => e.Name == "end")?.Word(1), out var status) ? status : -1,
            Events = events,
            Console = console.Replace("\r", "", StringComparison.Ordinal),
            Files = files ?? new Dictionary<string, ReadOnlyMemory<byte>>(),
            Duration = duration,
            Nonce = nonce,
        };

    private static Problem? Check(GuestJob job)
    {
        if (!File.Exists(job.Kernel))
            return new(ProblemCodes.GuestJobInvalid, $"there is no boot image {job.Kernel}");
        if (job.Files.FirstOrDefault(f => !GuestPath.IsSafe(f.Path)) is { } unsafePath)
            return new(ProblemCodes.GuestJobInvalid, $"'{unsafePath.Path}' is not a relative path of plain names");
        if (job.Files.GroupBy(f => f.Path).FirstOrDefault(g => g.Count() > 1 || g.Key == "script") is { } twice)
            return new(ProblemCodes.GuestJobInvalid, $"two files for one place in the guest: {twice.Key}");
        if (job.Files.Sum(f => (long)f.Content.Length) > LargestFiles)
            return new(ProblemCodes.GuestJobInvalid, $"the files are larger than {LargestFiles >> 20} MiB");
        if (job.KernelArguments.FirstOrDefault(a => a.Length == 0 || a.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))) is { } word)
            return new(ProblemCodes.GuestJobInvalid, $"'{word}' is not one word of a kernel command line");
        if (job.Memory is < 64 or > 65536 || job.Processors is < 1 or > 64)
            return new(ProblemCodes.GuestJobInvalid, $"{job.Memory} MiB and {job.Processors} processors");
        return null;
    }

    private static Outcome<byte[]> FindBusybox()
    {
        if (Executables.Find("busybox") is not { } path)
            return new Problem(ProblemCodes.BusyboxMissing, "busybox is not in the PATH");
        if (new FileInfo(path).Length > LargestProgram || File.ReadAllBytes(path) is var bytes && !StaticProgram.Is(bytes))
            return new Problem(ProblemCodes.BusyboxMissing, $"{path} is not a statically linked program for x86-64");
        return bytes;
    }
}
