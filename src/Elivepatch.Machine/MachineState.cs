// In: a folder that root alone reads. Out: what the machine remembers between two commands: whom it trusts, which livepatches it
// accepted for which kernel, whether they are loaded at boot. Files are replaced whole and flushed, files of content are named by
// their digest, so that a command may be killed between any two calls and the next one finds something that is true. What is live
// is never believed from here: that is asked of the kernel.

using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Model;
using Elivepatch.Model.Files;

namespace Elivepatch.Machine;

/// <summary>The state folder, <c>/var/lib/elivepatch</c>.</summary>
public sealed class MachineState(string folder)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const string ManifestEnding = ".manifest.json";
    private const int LargestJson = 4 << 20;
    private const int LargestContent = 256 << 20;

    // A module of one changed function has 30 KB, one of a hundred 1 MB; its manifest and the lists are small.
    private const int RoomForModule = 2 << 20;

    private const string LedgerRemedy =
        "Move the file away, `elivepatch disable` what `elivepatch status` shows as live, and give all the patches to `elivepatch patch` "
        + "again: without the file nothing is remembered.";

    // Whoever holds it writes a few small files or loads a module.
    private static readonly TimeSpan longestWait = TimeSpan.FromSeconds(20);

    /// <summary>The folder.</summary>
    public string FullPath { get; } = Path.GetFullPath(folder);

    private string ConfigPath => Path.Combine(FullPath, "config.json");

    private string BootPath => Path.Combine(FullPath, "boot.json");

    /// <summary>The folder of a machine: <c>$ELIVEPATCH_STATE</c>, else the machine's own.</summary>
    public static MachineState Of(MachineAccess machine) =>
        new(machine.Variable("ELIVEPATCH_STATE") is { Length: > 0 } own ? own : machine.Files.PathOf("var/lib/elivepatch"));

    /// <summary>True where there is something that only root may read.</summary>
    public bool IsHidden =>
        Directory.Exists(FullPath) && !Environment.IsPrivilegedProcess && File.GetUnixFileMode(FullPath) == Private;

    /// <summary>True where nothing is remembered of a kernel.</summary>
    public bool IsEmptyFor(string buildId) => !File.Exists(LedgerPath(buildId));

    /// <summary>Makes the folder where it is missing.</summary>
    public Problem? Prepare() => Try(() => MakeFolder(FullPath));

    /// <summary>Makes the folders for a kernel where they are missing.</summary>
    public Problem? Prepare(string buildId) =>
        Prepare()
        ?? Try(() =>
        {
            MakeFolder(Path.Combine(FullPath, "kernels"));
            MakeFolder(KernelFolder(buildId));
            MakeFolder(ContentFolder(buildId));
        });

    /// <summary>Why a livepatch cannot be kept here; null where there is room for it.</summary>
    /// <param name="patches">Bytes of its patches.</param>
    public Problem? CheckFreeSpace(long patches)
    {
        try
        {
            var (needed, free) = (patches + RoomForModule, new DriveInfo(FullPath).AvailableFreeSpace);
            return free < needed
                ? new(
                    MachineProblems.MachineDiskFull,
                    $"{FullPath} has room for {free >> 10} KiB; a livepatch takes up to {needed >> 10} KiB"
                )
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Who cannot tell how much room there is may have enough; the disk says so when it is written to.
            return null;
        }
    }

    /// <summary>
    /// Holds off another command that makes livepatches live, for as long as this one asks a server, waits and loads. It does not
    /// hold off <c>disable</c>, which has to work at any time.
    /// </summary>
    public Outcome<FileLock> LockActivation()
    {
        var path = Path.Combine(FullPath, "making.lock");
        var held = TryLock(path);
        return held.Succeeded && held.Value is null
            ? new Problem(MachineProblems.MachineBusy, $"it holds {path}: another `elivepatch patch` or `load-persisted`")
            : held.Then<FileLock>(taken => taken!);
    }

    /// <summary>Holds off every other command that writes here, for a moment; waits for it.</summary>
    public async Task<Outcome<FileLock>> LockStateAsync(CancellationToken cancellation)
    {
        var path = Path.Combine(FullPath, "writing.lock");
        for (var start = Environment.TickCount64; ; )
        {
            var held = TryLock(path);
            if (!held.Succeeded || held.Value is not null)
            {
                return held.Then<FileLock>(taken => taken!);
            }

            if (Environment.TickCount64 - start > longestWait.TotalMilliseconds)
            {
                return new Problem(MachineProblems.MachineBusy, $"it holds {path} for {longestWait.TotalSeconds:0} s");
            }

            await Task.Delay(50, cancellation);
        }
    }

    /// <summary>Reads the settings; those of a new machine where there are none.</summary>
    public Outcome<MachineConfig> ReadConfig() =>
        Read(
                ConfigPath,
                MachineJson.Default.MachineConfig,
                c => c.Format == MachineConfig.CurrentFormat && c.Servers is not null,
                "Move the file away and pin the server again with `elivepatch trust`; what is live stays live."
            )
            .Then<MachineConfig>(config =>
                config switch
                {
                    null => new MachineConfig([]),
                    _ when config.Servers.Any(s => s.Token is not null) && IsForOthers(ConfigPath) => Unusable(
                        $"{ConfigPath} has a token, and others may read it",
                        $"Make it readable by root only: chmod 600 {ConfigPath}."
                    ),
                    _ => config,
                }
            );

    /// <summary>Writes the settings.</summary>
    public Problem? Write(MachineConfig config) => Write(ConfigPath, config, MachineJson.Default.MachineConfig);

    /// <summary>Reads how loading at boot stands.</summary>
    public Outcome<BootLedger> ReadBoot() =>
        Read(
                BootPath,
                MachineJson.Default.BootLedger,
                b => b.Format == BootLedger.CurrentFormat,
                "Run `elivepatch persist --off`, which sets it aside and begins a new one; `elivepatch persist` then turns loading at boot on again."
            )
            .Then<BootLedger>(boot => boot ?? new BootLedger());

    /// <summary>Writes how loading at boot stands.</summary>
    public Problem? Write(BootLedger boot) => Write(BootPath, boot, MachineJson.Default.BootLedger);

    /// <summary>
    /// Gives a <c>boot.json</c> that cannot be read another name, for whoever wants to know what it said; null where it can be
    /// read. The caller holds the lock.
    /// </summary>
    /// <returns>Its new path.</returns>
    public Outcome<string?> QuarantineBootLedger()
    {
        if (ReadBoot().Succeeded)
        {
            return (string?)null;
        }

        for (var number = 1; ; number++)
        {
            var aside = $"{BootPath}.damaged-{number}";
            if (!Path.Exists(aside))
            {
                return Try(() => File.Move(BootPath, aside)) is { } immovable ? immovable : aside;
            }
        }
    }

    /// <summary>Reads what is remembered of a kernel; an empty ledger where nothing is.</summary>
    public Outcome<KernelLedger> ReadKernel(string buildId, string release) =>
        Read(LedgerPath(buildId), MachineJson.Default.KernelLedger, IsUsable, LedgerRemedy)
            .Then<KernelLedger>(ledger =>
                ledger switch
                {
                    null => new KernelLedger { Release = release, BuildId = buildId },
                    _ when ledger.BuildId != buildId => Unusable($"{LedgerPath(buildId)} is of another kernel", LedgerRemedy),
                    _ => ledger,
                }
            );

    /// <summary>Writes what is remembered of a kernel.</summary>
    public Problem? Write(KernelLedger ledger) => Write(LedgerPath(ledger.BuildId), ledger, MachineJson.Default.KernelLedger);

    /// <summary>Reads what is known to be withdrawn of a kernel's livepatches.</summary>
    public Outcome<KnownWithdrawals> ReadWithdrawals(string buildId) =>
        Read(
                WithdrawalsPath(buildId),
                MachineJson.Default.KnownWithdrawals,
                w =>
                    w is { Format: KnownWithdrawals.CurrentFormat, Livepatches: not null }
                    && w.Livepatches.All(l => l is { Problems: not null } && l.Problems.All(p => p is not null)),
                "Move the file away, then run `elivepatch status --report`: the server sends its withdrawals again."
            )
            .Then<KnownWithdrawals>(known => known ?? new KnownWithdrawals());

    /// <summary>Changes what is known to be withdrawn of a kernel's livepatches.</summary>
    public async Task<Problem?> ChangeWithdrawalsAsync(
        string buildId,
        Func<KnownWithdrawals, KnownWithdrawals> change,
        CancellationToken cancellation
    )
    {
        var locked = await LockStateAsync(cancellation);
        if (!locked.TryGet(out var writing))
        {
            return locked.Problems[0];
        }

        using (writing)
        {
            var read = ReadWithdrawals(buildId);
            if (!read.TryGet(out var known))
            {
                return read.Problems[0];
            }

            var changed = change(known);
            return changed.Livepatches.SequenceEqual(known.Livepatches)
                ? null
                : Write(WithdrawalsPath(buildId), changed, MachineJson.Default.KnownWithdrawals);
        }
    }

    /// <summary>Keeps content under its digest and gives that.</summary>
    public Outcome<string> StoreContent(string buildId, ReadOnlyMemory<byte> content)
    {
        var digest = ContentDigest.Of(content.Span).Hex;
        var path = ContentPath(buildId, digest);
        return
            Try(() =>
            {
                if (!Holds(path, digest))
                {
                    DurableFile.Write(path, content.Span);
                }
            })
                is { } problem
            ? problem
            : digest;
    }

    /// <summary>Content by its digest, which it is checked against.</summary>
    public Outcome<byte[]> ReadContent(string buildId, string digest)
    {
        if (!ContentDigest.IsHex(digest))
        {
            return Unusable($"'{digest}' is not a digest");
        }

        var path = ContentPath(buildId, digest);
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > LargestContent })
            {
                return Unusable($"{path} is too large");
            }

            var content = File.ReadAllBytes(path);
            return ContentDigest.Of(content).Hex == digest ? content : Unusable($"{path} is damaged");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unusable(e.Message);
        }
    }

    /// <summary>Where content lies.</summary>
    public string ContentPath(string buildId, string digest) => Path.Combine(ContentFolder(buildId), digest);

    /// <summary>Keeps the manifest of a module; there is one at a time, and a newer one takes its place.</summary>
    public Problem? StoreManifest(string buildId, string moduleDigest, ReadOnlyMemory<byte> manifest) =>
        Try(() => DurableFile.Write(ManifestPath(buildId, moduleDigest), manifest.Span));

    /// <summary>The manifest of a module. Its signature says whether it is whole.</summary>
    public Outcome<byte[]> ReadManifest(string buildId, string moduleDigest)
    {
        try
        {
            return File.ReadAllBytes(ManifestPath(buildId, moduleDigest));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unusable(e.Message);
        }
    }

    /// <summary>Removes content that no livepatch of the ledger needs, and what killed commands left.</summary>
    public Problem? RemoveUnneeded(KernelLedger ledger) =>
        Try(() =>
        {
            var needed = ledger
                .Livepatches.SelectMany(l => l.Patches.Select(p => p.Sha256).Append(l.Sha256).Append(l.Sha256 + ManifestEnding))
                .ToHashSet();
            DurableFile.RemoveUnfinished(FullPath);
            DurableFile.RemoveUnfinished(KernelFolder(ledger.BuildId));
            foreach (
                var path in Directory
                    .EnumerateFiles(ContentFolder(ledger.BuildId))
                    .Where(p => !needed.Contains(Path.GetFileName(p)))
            )
            {
                File.Delete(path);
            }
        });

    private string KernelFolder(string buildId) => Path.Combine(FullPath, "kernels", buildId);

    private string ContentFolder(string buildId) => Path.Combine(KernelFolder(buildId), "content");

    private string LedgerPath(string buildId) => Path.Combine(KernelFolder(buildId), "ledger.json");

    private string WithdrawalsPath(string buildId) => Path.Combine(KernelFolder(buildId), "withdrawn.json");

    private string ManifestPath(string buildId, string moduleDigest) => ContentPath(buildId, moduleDigest) + ManifestEnding;

    private static bool IsUsable(KernelLedger ledger) =>
        ledger.Format == KernelLedger.CurrentFormat
        && ledger.Livepatches is not null
        && ledger.Livepatches.All(l =>
            l is { Patches: not null } && l.Patches.All(p => p is { Name: not null, Sha256: not null })
        );

    private static void MakeFolder(string path)
    {
        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path, Private);
        }
    }

    private static bool Holds(string path, string digest) =>
        File.Exists(path) && ContentDigest.Of(File.ReadAllBytes(path)).Hex == digest;

    private static bool IsForOthers(string path) =>
        (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.OtherRead)) != 0;

    // No value where somebody else holds it.
    private static Outcome<FileLock?> TryLock(string path)
    {
        try
        {
            return FileLock.TryTake(path);
        }
        catch (IOException e) when (DiskError.IsFull(e))
        {
            return new Problem(MachineProblems.MachineDiskFull, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unusable(e.Message);
        }
    }

    private static Outcome<T?> Read<T>(string path, JsonTypeInfo<T> type, Func<T, bool> isUsable, string remedy)
        where T : class
    {
        try
        {
            if (!File.Exists(path))
            {
                return (T?)null;
            }

            if (new FileInfo(path).Length > LargestJson)
            {
                return Unusable($"{path} is too large", remedy);
            }

            var value = JsonSerializer.Deserialize(File.ReadAllBytes(path), type);
            return value is not null && isUsable(value) ? value : Unusable($"{path} is of another version, or damaged", remedy);
        }
        catch (JsonException e)
        {
            return Unusable($"{path} is damaged: {e.Message}", remedy);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unusable(e.Message);
        }
    }

    private static Problem? Write<T>(string path, T value, JsonTypeInfo<T> type) =>
        Try(() => DurableFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(value, type)));

    private static Problem? Try(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (IOException e) when (DiskError.IsFull(e))
        {
            return new(MachineProblems.MachineDiskFull, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unusable(e.Message);
        }
    }

    private static Problem Unusable(string reason, string? remedy = null) =>
        new(MachineProblems.MachineStateUnusable, reason, remedy);
}
