using System.Globalization;
using System.Net;
using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>The machine that a command works on.</summary>
/// <param name="Root">Its root folder.</param>
/// <param name="Calls">System calls on its kernel.</param>
/// <param name="Time">Its clock.</param>
public sealed record MachineAccess(string Root, KernelCalls Calls, TimeProvider Time)
{
    /// <summary>This machine.</summary>
    public static MachineAccess OfProcess() => new("/", KernelCalls.OfKernel(), TimeProvider.System);

    /// <summary>Environment variables by name: an operator's own folders, and a token.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>The proxy by which servers are asked: what <c>$https_proxy</c> and its like say.</summary>
    public IWebProxy Proxy
    {
        get => field ??= HttpClient.DefaultProxy;
        init;
    }

    /// <summary>Its files.</summary>
    public MachineFiles Files { get; } = new(Root);

    /// <summary>How often what the kernel shows is looked at.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How long to wait before a server is asked again, the first time.</summary>
    public TimeSpan RetryPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a machine has to be up after a livepatch was loaded at boot for it to count as harmless.</summary>
    public TimeSpan ProbationTime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long to wait before loading at boot is tried again, each time: what is in the way of an early boot is mostly gone
    /// after seconds, and what stays for half an hour is for somebody to look at.
    /// </summary>
    public IReadOnlyList<TimeSpan> BootPauses { get; init; } =
    [.. new[] { 5, 10, 20, 40, 80, 160, 320, 640 }.Select(s => TimeSpan.FromSeconds(s))];

    /// <summary>
    /// How long a boot waits for livepatches. udev starts after them, and systemd gives up a device that has not been found after
    /// 90 seconds, with the file system on it (systemd-system.conf(5), DefaultDeviceTimeoutSec).
    /// </summary>
    public TimeSpan BootPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What <c>uname -r</c> says; empty where /proc is not there.</summary>
    public string Release => Files.ReadText("proc/sys/kernel/osrelease") ?? "";

    /// <summary>Names this boot: another after every start.</summary>
    public string BootId => Files.ReadText("proc/sys/kernel/random/boot_id") ?? "";

    /// <summary>How long the kernel has been running; null where /proc does not say.</summary>
    public TimeSpan? Uptime =>
        Files.ReadText("proc/uptime")?.Split(' ')[0] is { } text
        && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
        && double.IsFinite(seconds)
        && seconds is >= 0 and < 1e10
            ? TimeSpan.FromSeconds(seconds)
            : null;

    /// <summary>The build-id of the running kernel, hexadecimal.</summary>
    public Outcome<string> BuildId() =>
        Files.ReadBytes("sys/kernel/notes") is { } notes && Protocol.Captures.BuildId.FindHere(notes) is { } found
            ? found.Hex
            : new Problem(MachineProblems.LivePatchingMissing, "/sys/kernel/notes has no build-id: is /sys mounted?");

    /// <summary>Why the command cannot change anything: only root can; null where it can.</summary>
    public Problem? RequireRoot(string verb) =>
        Root == "/" && !Environment.IsPrivilegedProcess
            ? new(MachineProblems.RootNeeded, $"`elivepatch {verb}` changes the running kernel or what is kept about it")
            : null;

    /// <summary>Why the kernel cannot be live patched; null where it can.</summary>
    public Problem? RequireLivePatching() =>
        Files.HasFolder(LoadedLivepatches.Folder)
            ? null
            : new(MachineProblems.LivePatchingMissing, $"there is no /{LoadedLivepatches.Folder}");
}
