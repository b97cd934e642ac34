// In: a job. Out: what the guest left of it. One QEMU process in a sandbox, without a network, a disk or anything else of ours
// but the console, which is its standard error, and a socket for the channel. Where this machine has no KVM it is emulated in
// software; a stock kernel then reaches our init in about four seconds.

using System.Security.Cryptography;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

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
    private const string InsideChannel = "/guest-channel";

    /// <summary>
    /// Boots the kernel and runs the job. A guest that ends badly is a result too (<see cref="GuestResult.Ending"/>); a failure
    /// here means that it could not be tried. Cancellation kills the guest.
    /// </summary>
    public static Task<Outcome<GuestResult>> RunAsync(GuestJob job, CancellationToken cancellation) =>
        RunAsync(job, GuestImage.Script("job.sh"), cancellation);

    /// <summary>Runs a job with shell code of ours in the place of that which runs the job's script.</summary>
    internal static Task<Outcome<GuestResult>> RunAsync(GuestJob job, string main, CancellationToken cancellation) =>
        RunAsync(job, main, KvmDevice.IsUsable, cancellation);

    /// <summary>Runs a job, with KVM where it is found to be usable; where it then fails, without.</summary>
    internal static async Task<Outcome<GuestResult>> RunAsync(
        GuestJob job,
        string main,
        Func<bool> mayUseKvm,
        CancellationToken cancellation
    )
    {
        if (Check(job) is { } problem)
        {
            return problem;
        }

        if (!job.Userland.Has(job.Architecture.Emulator.Program))
        {
            return new Problem(
                VirtualMachineProblems.EmulatorMissing,
                $"{job.Architecture.Emulator.Program} is not in {(job.Userland == Userland.Host ? "the PATH" : job.Userland.Folder)}"
            );
        }

        var busybox = FindBusybox(job.Architecture);
        if (!busybox.TryGet(out var shell))
        {
            return Outcome<GuestResult>.Failure(busybox.Problems);
        }

        var folder = Directory.CreateTempSubdirectory("elivepatch-vm-");
        try
        {
            var nonce = RandomNumberGenerator.GetHexString(16, lowercase: true);
            var image = Path.Combine(folder.FullName, "initramfs");
            using (var file = File.Create(image))
            {
                GuestImage.Write(file, shell, nonce, main, [GuestFile.Text("script", job.Script), .. job.Files], job.Network);
            }

            var hasKvm = mayUseKvm();
            var ran = await BootAsync(job, image, nonce, hasKvm, cancellation);
            for (var boots = 1; boots < MostBoots && ran.TryGet(out var last) && (last.LostTimer || last.KvmFailed); boots++)
            {
                hasKvm &= !last.KvmFailed;
                ran = await BootAsync(job, image, nonce, hasKvm, cancellation);
            }

            return ran;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Outcome<GuestResult>> BootAsync(
        GuestJob job,
        string image,
        string nonce,
        bool hasKvm,
        CancellationToken cancellation
    )
    {
        using var live = new GuestOutput(job);
        var socket = Path.Combine(Path.GetDirectoryName(image)!, "channel");
        File.Delete(socket);
        using var channel = GuestChannel.Listen(socket, live.AppendChannel);
        if (channel is null)
        {
            return new Problem(
                VirtualMachineProblems.GuestJobInvalid,
                $"{socket} is too long for a socket's path: set TMPDIR to a shorter one"
            );
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, live.Stopped);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var request = new SandboxRequest
        {
            File = job.Architecture.Emulator.Program,
            Userland = job.Userland,
            Arguments = QemuCommand.Arguments(job, InsideKernel, InsideImage, InsideChannel, hasKvm),
            Binds = [new(Path.GetFullPath(job.Kernel), InsideKernel), new(image, InsideImage), new(socket, InsideChannel)],
            Devices = hasKvm ? [KvmDevice.Path] : [],
            Limits = Limits(job),
            SharesNetwork = job.Network is not null,
            Timeout = job.Timeout,
            OutputLimit = job.OutputLimit,
            OnErrorLine = live.AppendConsole,
        };
        GuestEnding? killed = null;
        string console;
        try
        {
            var outcome = await Sandbox.RunAsync(request, stop.Token);
            if (!outcome.TryGet(out var result))
            {
                return Outcome<GuestResult>.Failure(outcome.Problems);
            }

            await channel.DrainAsync();
            console = result.Error;
            killed = result.TimedOut ? GuestEnding.TimedOut : null;
        }
        catch (OperationCanceledException) when (live.Stopped.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            console = live.Console;
            killed =
                live.ExceededLimit ? GuestEnding.OutputTooLarge
                : live.IsBroken ? GuestEnding.AnswerMalformed
                : live.KvmFailed ? GuestEnding.DidNotStart
                : GuestEnding.TimedOut;
        }
        var files = killed is null ? live.ReadFiles() : null;
        return Result(killed ?? Ending(live.Events, files), live, console, files, watch.Elapsed, nonce);
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

    private static GuestEnding Ending(IReadOnlyList<GuestEvent> events, IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? files)
    {
        if (events.Count == 0)
        {
            return GuestEnding.DidNotStart;
        }

        if (!events.Any(e => e.Name == "end"))
        {
            return GuestEnding.Died;
        }

        return files is null ? GuestEnding.AnswerMalformed : GuestEnding.Finished;
    }

    private static GuestResult Result(
        GuestEnding ending,
        GuestOutput live,
        string console,
        IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? files,
        TimeSpan duration,
        string nonce
    )
    {
        var events = live.Events;
        return new()
        {
            Ending = ending,
            ExitStatus = int.TryParse(events.LastOrDefault(e => e.Name == "end")?.Word(1), out var status) ? status : -1,
            Events = events,
            Console = console.Replace("\r", "", StringComparison.Ordinal),
            Files = files ?? new Dictionary<string, ReadOnlyMemory<byte>>(),
            Duration = duration,
            Nonce = nonce,
            KvmFailed = live.KvmFailed,
        };
    }

    private static Problem? Check(GuestJob job)
    {
        if (!File.Exists(job.Kernel))
        {
            return new(VirtualMachineProblems.GuestJobInvalid, $"there is no boot image {job.Kernel}");
        }

        if (job.Files.FirstOrDefault(f => !GuestPath.IsSafe(f.Path)) is { } unsafePath)
        {
            return new(VirtualMachineProblems.GuestJobInvalid, $"'{unsafePath.Path}' is not a relative path of plain names");
        }

        if (job.Files.GroupBy(f => f.Path).FirstOrDefault(g => g.Count() > 1 || g.Key == "script") is { } twice)
        {
            return new(VirtualMachineProblems.GuestJobInvalid, $"two files for one place in the guest: {twice.Key}");
        }

        if (job.Files.Sum(f => (long)f.Content.Length) > LargestFiles)
        {
            return new(VirtualMachineProblems.GuestJobInvalid, $"the files are larger than {LargestFiles >> 20} MiB");
        }

        if (
            job.KernelArguments.FirstOrDefault(a => a.Length == 0 || a.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))) is
            { } word
        )
        {
            return new(VirtualMachineProblems.GuestJobInvalid, $"'{word}' is not a single word of a kernel command line");
        }

        if (job.Memory is < 64 or > 65536 || job.Processors is < 1 or > 64)
        {
            return new(VirtualMachineProblems.GuestJobInvalid, $"{job.Memory} MiB and {job.Processors} processors");
        }

        return null;
    }

    private static Outcome<byte[]> FindBusybox(KernelArchitecture architecture)
    {
        if (Executables.Find("busybox") is not { } path)
        {
            return new Problem(VirtualMachineProblems.BusyboxMissing, "busybox is not in the PATH");
        }

        if (
            new FileInfo(path).Length > LargestProgram
            || File.ReadAllBytes(path) is var bytes && !StaticProgram.IsStatic(architecture.Engine, bytes)
        )
        {
            return new Problem(
                VirtualMachineProblems.BusyboxMissing,
                $"{path} is not a statically linked program for {architecture.Machine}"
            );
        }

        return bytes;
    }
}
