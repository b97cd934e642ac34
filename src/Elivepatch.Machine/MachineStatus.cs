// In: the machine, and what it remembers. Out: what is live, by the kernel's own account, for livepatches of any origin; beside
// it what the machine's list adds. A list that cannot be read hides nothing.

using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine;

/// <summary>A livepatch as <c>status</c> shows it.</summary>
/// <param name="Name">Name of its module.</param>
/// <param name="State"><c>live</c>, <c>going live</c>, <c>going away</c>, or <c>loaded</c> for a module that is not live.</param>
/// <param name="IsOurs">True where this command made it live.</param>
/// <param name="Replaces">True where it replaced all others; null where the kernel does not say.</param>
/// <param name="Functions">What it patches.</param>
/// <param name="Patches">The source patches in it, where it is ours.</param>
/// <param name="Server">The server that built it, where it is ours.</param>
/// <param name="IsPersisted">True where it is loaded again at boot.</param>
/// <param name="BlockingCount">How many tasks block its transition.</param>
/// <param name="Blocking">The first of them.</param>
/// <param name="Sha256">SHA-256 of its module's file, where it is ours.</param>
/// <param name="Withdrawn">What the server said of it when it withdrew it; null where that is not known to have happened.</param>
public sealed record LivepatchStatus(
    string Name,
    string State,
    bool IsOurs,
    bool? Replaces,
    IReadOnlyList<string> Functions,
    IReadOnlyList<PatchReference> Patches,
    string? Server,
    bool IsPersisted,
    int BlockingCount,
    IReadOnlyList<BlockingTask> Blocking,
    string? Sha256 = null,
    KnownWithdrawal? Withdrawn = null
)
{
    /// <summary>What the authors of its patches state, where it is ours.</summary>
    public IReadOnlyList<AuthorStatement> Statements { get; init; } = [];

    /// <summary>The modules that it is for.</summary>
    public IReadOnlyList<PatchedModule> Modules { get; init; } = [];

    /// <summary>True where its module is known to stay in memory until the machine restarts, also when it is not live.</summary>
    public bool StaysInMemory { get; init; }

    /// <summary>Why it stays, where it is ours: the addresses of it that the kernel may keep.</summary>
    public IReadOnlyList<string> KeptInMemory { get; init; } = [];
}

/// <summary>What <c>status</c> shows.</summary>
/// <param name="Release">The kernel's release.</param>
/// <param name="BuildId">Its build-id.</param>
/// <param name="CanBeLivePatched">True where the kernel has live patching.</param>
/// <param name="Livepatches">What is loaded.</param>
/// <param name="NotLive">Patches that a new livepatch would carry although they are not live now.</param>
/// <param name="Boot"><c>off</c>, <c>on</c> or <c>suspended</c>: whether livepatches are loaded at boot.</param>
/// <param name="Problems">Why the machine's list is not shown.</param>
public sealed record StatusReport(
    string Release,
    string BuildId,
    bool CanBeLivePatched,
    IReadOnlyList<LivepatchStatus> Livepatches,
    IReadOnlyList<PatchReference> NotLive,
    string Boot,
    IReadOnlyList<ProblemReport> Problems
);

/// <summary>Finds out how the machine is.</summary>
public static class MachineStatus
{
    /// <summary>Reads it; takes no lock and writes nothing.</summary>
    public static Outcome<StatusReport> Read(MachineAccess machine, MachineState state)
    {
        var buildId = machine.BuildId();
        if (!buildId.TryGet(out var id))
        {
            return Outcome<StatusReport>.Failure(buildId.Problems);
        }

        var kernel = state.ReadKernel(id, machine.Release);
        var boot = state.ReadBoot();
        var withdrawals = state.ReadWithdrawals(id);
        var withdrawn = withdrawals.Succeeded ? withdrawals.Value : new KnownWithdrawals();
        var ledger = kernel.Succeeded ? kernel.Value : new KernelLedger { Release = machine.Release, BuildId = id };
        var booting = boot.Succeeded ? boot.Value : new BootLedger();

        var livepatches = new LoadedLivepatches(machine.Files);
        var loaded = livepatches.List();
        var idle = machine
            .Files.Folders("sys/module")
            .Where(m => livepatches.IsLivepatchModule(m) && loaded.All(l => l.Name != m));
        var isLive = ledger.FindLive(loaded) is not null;
        return new StatusReport(
            machine.Release,
            id,
            machine.Files.HasFolder(LoadedLivepatches.Folder),
            [
                .. loaded.Select(l => CheckFiles(machine, state, ledger, Describe(machine.Files, l, ledger, booting, withdrawn))),
                .. idle.Select(name => new LivepatchStatus(name, "loaded", IsOurs(ledger, name), null, [], [], null, false, 0, [])
                {
                    StaysInMemory = livepatches.IsHeld(name),
                    KeptInMemory = Kept(ledger, name),
                }),
            ],
            isLive ? [] : ledger.FindCarriedPatches(loaded, machine.BootId),
            !booting.IsOn ? "off"
                : booting.IsSuspended ? "suspended"
                : "on",
            ProblemReport.Of([
                .. kernel.Problems,
                .. boot.Problems,
                .. withdrawals.Problems,
                .. Hidden(state),
                .. NotLoaded(ledger, loaded, booting, withdrawn),
            ])
        );
    }

    private static IEnumerable<Problem> Hidden(MachineState state) =>
        state.IsHidden
            ? [new(MachineProblems.RootNeeded, $"{state.FullPath} tells only root which of them are this command's")]
            : [];

    // Who looks why nothing is live after a restart finds it here.
    private static IEnumerable<Problem> NotLoaded(
        KernelLedger ledger,
        IReadOnlyList<LoadedLivepatch> loaded,
        BootLedger boot,
        KnownWithdrawals withdrawn
    ) =>
        boot.IsOn
        && ledger.WantedLivepatch is { } wanted
        && loaded.All(l => l.Name != wanted.Module)
        && withdrawn.Find(wanted.Sha256) is { } known
            ? [known.ToProblem()]
            : [];

    private static LivepatchStatus Describe(
        MachineFiles files,
        LoadedLivepatch livepatch,
        KernelLedger ledger,
        BootLedger boot,
        KnownWithdrawals withdrawn
    )
    {
        var own = ledger.Livepatches.LastOrDefault(l => l.Module == livepatch.Name);
        var blocking = livepatch.IsInTransition ? BlockingTasks.Read(files, livepatch.IsEnabled) : new(0, []);
        var state = (livepatch.IsInTransition, livepatch.IsEnabled) switch
        {
            (true, true) => "going live",
            (true, false) => "going away",
            (false, true) => "live",
            _ => "loaded",
        };
        return new(
            livepatch.Name,
            state,
            own is not null,
            livepatch.Replaces,
            livepatch.Functions,
            own?.Patches ?? [],
            own?.Server,
            own is not null
                && own.Sha256 == ledger.Wanted
                && boot is { IsOn: true, IsSuspended: false }
                && withdrawn.Find(own.Sha256) is null,
            blocking.Count,
            blocking.Tasks,
            own?.Sha256,
            withdrawn.Find(own?.Sha256)
        )
        {
            Statements = own?.Statements ?? [],
            Modules = livepatch.Modules,
            StaysInMemory = own?.KeptInMemory.Count > 0,
            KeptInMemory = own?.KeptInMemory ?? [],
        };
    }

    // What a livepatch is for is in its manifest.
    private static LivepatchStatus CheckFiles(
        MachineAccess machine,
        MachineState state,
        KernelLedger ledger,
        LivepatchStatus livepatch
    )
    {
        if (
            livepatch.Modules.Count == 0
            || ledger.Livepatches.LastOrDefault(l => l.Module == livepatch.Name) is not { } own
            || !state.ReadManifest(ledger.BuildId, own.Sha256).TryGet(out var manifest)
            || !PublicKey.Read(own.PublicKey).Then(key => ManifestCheck.Open(manifest, key)).TryGet(out var statement)
        )
        {
            return livepatch;
        }

        var objects = statement.Predicate.BuildDefinition.InternalParameters.Objects;
        var installed = InstalledModules.Read(machine.Files, machine.Release);
        return livepatch with { Modules = [.. livepatch.Modules.Select(m => m with { IsReplacedOnDisk = IsReplaced(m.Name) })] };

        bool IsReplaced(string module) =>
            objects.FirstOrDefault(o => o.Name == module)?.BuildId is { } expected
            && installed.BuildIdOf(module) is { } found
            && !string.Equals(found.Hex, expected, StringComparison.OrdinalIgnoreCase);
    }

    private static IReadOnlyList<string> Kept(KernelLedger ledger, string name) =>
        ledger.Livepatches.LastOrDefault(l => l.Module == name)?.KeptInMemory ?? [];

    private static bool IsOurs(KernelLedger ledger, string name) => ledger.Livepatches.Any(l => l.Module == name);
}
