// A machine that is a folder, with a kernel that is a thread: it loads modules (files that say their name), moves their
// transition on, and takes away what is disabled or replaced, as the kernel does.

using System.Text;
using Elivepatch.Machine;

namespace Elivepatch.Client.Tests.Machine;

internal sealed class FakeMachine : IDisposable
{
    public const string Release = "6.12.5-gentoo-r1";
    public const string BuildId = "4b1b4b1b4b1b4b1b4b1b4b1b4b1b4b1b4b1b4b1b";
    private const string Livepatches = "sys/kernel/livepatch";

    private readonly CancellationTokenSource off = new();
    private readonly Lock kernel = new();
    private readonly List<string> order = [];
    private readonly Task running;

    public FakeMachine()
    {
        Write("proc/sys/kernel/osrelease", Release + "\n");
        Write("proc/sys/kernel/random/boot_id", "first-boot\n");
        Write("proc/cmdline", "root=/dev/vda ro\n");
        Write("proc/version", $"Linux version {Release}\n");
        Write("proc/modules", "");
        Write("proc/kallsyms", "ffffffff81000000 T _stext\n");
        Write($"lib/modules/{Release}/build/.config", "CONFIG_CC_VERSION_TEXT=\"gcc 12\"\n");
        WriteBytes("sys/kernel/notes", Note(BuildId));
        Folder(Livepatches);
        Folder("sys/module");
        Folder("etc/systemd/system");
        Access = new(Root, new KernelCalls(Load, Unload, () => Log), TimeProvider.System)
        {
            PollInterval = TimeSpan.FromMilliseconds(2),
            RetryPause = TimeSpan.FromMilliseconds(2),
            ProbationTime = TimeSpan.FromMilliseconds(20),
            BootPauses = [.. Enumerable.Repeat(TimeSpan.FromMilliseconds(2), 5)],
        };
        running = Task.Run(RunAsync);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("elivepatch-machine-").FullName;

    public MachineAccess Access { get; init; }

    public string State => PathOf("var/lib/elivepatch");

    /// <summary>True where transitions do not end.</summary>
    public bool IsStuck { get; set; }

    /// <summary>What loads answer.</summary>
    public int LoadError { get; set; }

    /// <summary>How many loads answer that; more than any test has, unless it says.</summary>
    public int LoadErrors { get; set; } = int.MaxValue;

    /// <summary>The kernel's log.</summary>
    public string Log { get; set; } = "<6>[    1.000000] booting\n";

    /// <summary>What the kernel logs as it refuses a module.</summary>
    public string LoadComplaint { get; set; } = "<3>[    9.000000] livepatch: it is broken\n";

    /// <summary>How often the kernel does not let go of a module that is not live.</summary>
    public int HeldUnloads { get; set; }

    /// <summary>Modules in the order in which they were loaded.</summary>
    public List<string> Loaded { get; } = [];

    public IReadOnlyList<string> Live =>
        [
            .. new LoadedLivepatches(Access.Files)
                .List()
                .Where(l => l is { IsEnabled: true, IsInTransition: false })
                .Select(l => l.Name),
        ];

    /// <summary>True where no livepatch is in transition.</summary>
    public bool IsSettled => new LoadedLivepatches(Access.Files).List().All(l => !l.IsInTransition);

    public IReadOnlyList<string> Modules => Access.Files.Folders("sys/module");

    public MachineState StateFolder => new(State);

    public TestSession NewSession() => new() { Machine = Access };

    public string PathOf(string path) => Path.Combine(Root, path);

    public string Write(string path, string text) => WriteBytes(path, Encoding.UTF8.GetBytes(text));

    public string Folder(string path) => Directory.CreateDirectory(PathOf(path)).FullName;

    /// <summary>A livepatch of somebody else.</summary>
    public void LoadForeign(string name, bool inTransition = false)
    {
        lock (kernel)
        {
            Show(name, inTransition);
        }
    }

    /// <summary>A task that has not moved over.</summary>
    public void AddTask(int id, string name, int state, params string[] stack)
    {
        Write($"proc/{id}/task/{id}/patch_state", $"{state}\n");
        Write($"proc/{id}/task/{id}/comm", name + "\n");
        Write($"proc/{id}/task/{id}/stack", string.Concat(stack.Select(s => $"[<0>] {s}\n")));
    }

    /// <summary>Starts the machine again: nothing is loaded, and the boot has another name.</summary>
    public void Restart(string boot)
    {
        lock (kernel)
        {
            order.Clear();
            Directory.Delete(PathOf(Livepatches), recursive: true);
            Directory.Delete(PathOf("sys/module"), recursive: true);
            Folder(Livepatches);
            Folder("sys/module");
            Write("proc/sys/kernel/random/boot_id", boot + "\n");
        }
    }

    public void SetBuildId(string buildId) => WriteBytes("sys/kernel/notes", Note(buildId));

    /// <summary>A module as this kernel loads it.</summary>
    public static byte[] Module(string name) => Encoding.UTF8.GetBytes($"module {name}\n");

    public void Dispose()
    {
        off.Cancel();
        running.Wait();
        off.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    private int Load(string path)
    {
        if (LoadError != 0 && LoadErrors-- > 0)
        {
            Log += LoadComplaint;
            return LoadError;
        }
        var name = File.ReadAllText(path).Split(' ')[1].Trim();
        lock (kernel)
        {
            if (Directory.Exists(PathOf($"sys/module/{name}")))
            {
                return KernelCalls.AlreadyThere;
            }

            Show(name, inTransition: true);
            Loaded.Add(name);
        }
        return 0;
    }

    private int Unload(string name)
    {
        lock (kernel)
        {
            if (!Directory.Exists(PathOf($"sys/module/{name}")))
            {
                return KernelCalls.NotThere;
            }

            if (Directory.Exists(PathOf($"{Livepatches}/{name}")) || HeldUnloads-- > 0)
            {
                return KernelCalls.WouldBlock;
            }

            Directory.Delete(PathOf($"sys/module/{name}"), recursive: true);
        }
        return 0;
    }

    private void Show(string name, bool inTransition)
    {
        order.Add(name);
        Write($"sys/module/{name}/taint", "OEK\n");
        Write($"{Livepatches}/{name}/transition", inTransition ? "1\n" : "0\n");
        Write($"{Livepatches}/{name}/force", "0\n");
        Folder($"{Livepatches}/{name}/vmlinux/meminfo_proc_show,1");
        Write($"{Livepatches}/{name}/enabled", "1\n");
    }

    private async Task RunAsync()
    {
        while (!off.IsCancellationRequested)
        {
            lock (kernel)
            {
                Move();
            }

            await Task.Delay(2, CancellationToken.None);
        }
    }

    // One look at every livepatch: what is in transition ends it, unless tasks block it.
    private void Move()
    {
        foreach (var name in order.ToList())
        {
            var files = Access.Files;
            var isEnabled = files.ReadText($"{Livepatches}/{name}/enabled") == "1";
            var isForced = files.ReadText($"{Livepatches}/{name}/force") == "1";
            var isMoving = files.ReadText($"{Livepatches}/{name}/transition") == "1";
            if (!isEnabled && !isMoving)
            {
                Write($"{Livepatches}/{name}/transition", "1\n");
            }
            else if (isMoving && (!IsStuck || isForced))
            {
                End(name, isEnabled);
            }
        }
    }

    private void End(string name, bool isEnabled)
    {
        if (!isEnabled)
        {
            Remove(name);
            return;
        }
        foreach (var other in order.Where(o => o != name).ToList())
        {
            Remove(other);
        }

        Write($"{Livepatches}/{name}/transition", "0\n");
    }

    private void Remove(string name)
    {
        order.Remove(name);
        Directory.Delete(PathOf($"{Livepatches}/{name}"), recursive: true);
    }

    private string WriteBytes(string path, byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        // The command reads at any moment: what it reads has to be whole.
        File.WriteAllBytes(PathOf(path) + ".new", content);
        File.Move(PathOf(path) + ".new", PathOf(path), overwrite: true);
        return PathOf(path);
    }

    /// <summary>A build-id as the kernel shows it.</summary>
    public static byte[] Note(string buildId)
    {
        var id = Convert.FromHexString(buildId);
        return
        [
            .. BitConverter.GetBytes(4),
            .. BitConverter.GetBytes(id.Length),
            .. BitConverter.GetBytes(3),
            .. "GNU\0"u8,
            .. id,
        ];
    }
}
