using System.ComponentModel.DataAnnotations;

namespace Elivepatch.Protocol.Api;

/// <summary>How a machine is, as it says itself: what <c>elivepatch status --report</c> sends. All text is printable.</summary>
public sealed record MachineReport
{
    /// <summary>Most characters of a machine's name.</summary>
    public const int LongestName = 100;

    /// <summary>Most livepatches of a machine.</summary>
    public const int MostLivepatches = 64;

    /// <summary>Most functions and most patches that are named of a livepatch.</summary>
    public const int MostNames = 64;

    /// <summary>Most blocking tasks that are named.</summary>
    public const int MostTasks = 20;

    /// <summary>Most characters of a name of a function, a patch or a server.</summary>
    public const int LongestText = 300;

    /// <summary>The machine's name; with the token it says which machine it is.</summary>
    public required string Name { get; init; }

    /// <summary>Release of the kernel that runs, as <c>uname -r</c> gives it.</summary>
    public required string Release { get; init; }

    /// <summary>Build-id of the kernel that runs, hexadecimal.</summary>
    public required string BuildId { get; init; }

    /// <summary>Version of the command that reports.</summary>
    public required string Version { get; init; }

    /// <summary>False where the kernel cannot be live patched.</summary>
    public bool CanBeLivePatched { get; set; } = true;

    /// <summary>What is loaded, of any origin.</summary>
    public IReadOnlyList<ReportedLivepatch> Livepatches { get; set; } = [];

    /// <summary><c>off</c>, <c>on</c> or <c>suspended</c>: whether livepatches are loaded at boot.</summary>
    [AllowedValues("off", "on", "suspended")]
    public string Boot { get; set; } = "off";
}

/// <summary>A livepatch that a machine has loaded.</summary>
public sealed record ReportedLivepatch
{
    /// <summary>Name of its module.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of its module's file, hexadecimal; null where the machine does not know it.</summary>
    public string? Sha256 { get; init; }

    /// <summary>One of <see cref="LivepatchStates"/>.</summary>
    [AllowedValues(LivepatchStates.Live, LivepatchStates.GoingLive, LivepatchStates.GoingAway, LivepatchStates.Loaded)]
    public required string State { get; init; }

    /// <summary>True where <c>elivepatch</c> made it live.</summary>
    public bool IsOurs { get; init; }

    /// <summary>The first functions that it patches, <c>OBJECT/FUNCTION</c>.</summary>
    public IReadOnlyList<string> Functions { get; set; } = [];

    /// <summary>How many functions it patches.</summary>
    public int FunctionCount { get; init; }

    /// <summary>The first source patches in it, where they are known.</summary>
    public IReadOnlyList<PatchReference> Patches { get; set; } = [];

    /// <summary>How many tasks keep its transition from ending.</summary>
    public int BlockingCount { get; init; }

    /// <summary>Names of the first of them.</summary>
    public IReadOnlyList<string> Blocking { get; set; } = [];
}

/// <summary>How a livepatch stands on a machine.</summary>
public static class LivepatchStates
{
    /// <summary>Its functions are in use.</summary>
    public const string Live = "live";

    /// <summary>Tasks go over to it.</summary>
    public const string GoingLive = "going live";

    /// <summary>Tasks leave it.</summary>
    public const string GoingAway = "going away";

    /// <summary>Its module is loaded and not live.</summary>
    public const string Loaded = "loaded";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Live, GoingLive, GoingAway, Loaded];
}

/// <summary>A machine as the server knows it.</summary>
/// <param name="Id">Made of the reporting token and the machine's name.</param>
/// <param name="Report">What it said last.</param>
/// <param name="ReportedBy">Name of the token that it reports with.</param>
/// <param name="FirstSeen">When it first reported.</param>
/// <param name="LastSeen">When it last reported.</param>
public sealed record MachineView(
    string Id, MachineReport Report, string ReportedBy, DateTimeOffset FirstSeen, DateTimeOffset LastSeen)
{
    /// <summary>
    /// The answer to a report alone: notices of the livepatches in it that have been withdrawn, each signed
    /// (<see cref="Manifests.WithdrawalNotice"/>). Null for none.
    /// </summary>
    public IReadOnlyList<Manifests.Envelope>? Withdrawals { get; init; }
}

/// <summary>A page of machines, in the order of their names.</summary>
/// <param name="Machines">The machines.</param>
/// <param name="Next">What to give as <c>after</c> for the next page; null at the end.</param>
public sealed record MachinePage(IReadOnlyList<MachineView> Machines, string? Next);
