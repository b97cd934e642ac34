using System.ComponentModel.DataAnnotations;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Api;

/// <summary>The status of a machine, as sent by <c>elivepatch status --report</c>. All text is printable.</summary>
public sealed record MachineReport
{
    /// <summary>Maximum length of a machine's name, in characters.</summary>
    public const int LongestName = 100;

    /// <summary>Maximum number of livepatches of a machine.</summary>
    public const int MostLivepatches = 64;

    /// <summary>Maximum number of functions, and of patches, that are named for a livepatch.</summary>
    public const int MostNames = 64;

    /// <summary>Maximum number of blocking tasks that are named.</summary>
    public const int MostTasks = 20;

    /// <summary>Maximum length of the name of a function, a patch or a server, in characters.</summary>
    public const int LongestText = 300;

    /// <summary>The machine's name; together with the token it identifies the machine.</summary>
    public required string Name { get; init; }

    /// <summary>Release of the running kernel, as printed by <c>uname -r</c>.</summary>
    public required string Release { get; init; }

    /// <summary>Build-id of the running kernel, hexadecimal.</summary>
    public required string BuildId { get; init; }

    /// <summary>Version of the reporting command.</summary>
    public required string Version { get; init; }

    /// <summary>False if the kernel cannot be live patched.</summary>
    public bool CanBeLivePatched { get; set; } = true;

    /// <summary>The loaded livepatches, of any origin.</summary>
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

    /// <summary>SHA-256 of its module file, hexadecimal; null if the machine does not know it.</summary>
    public string? Sha256 { get; init; }

    /// <summary>One of <see cref="LivepatchStates"/>.</summary>
    [AllowedValues(LivepatchStates.Live, LivepatchStates.GoingLive, LivepatchStates.GoingAway, LivepatchStates.Loaded)]
    public required string State { get; init; }

    /// <summary>True if <c>elivepatch</c> made it live.</summary>
    public bool IsOurs { get; init; }

    /// <summary>The first functions that it patches, <c>OBJECT/FUNCTION</c>.</summary>
    public IReadOnlyList<string> Functions { get; set; } = [];

    /// <summary>How many functions it patches.</summary>
    public int FunctionCount { get; init; }

    /// <summary>The first source patches in it, if known.</summary>
    public IReadOnlyList<PatchReference> Patches { get; set; } = [];

    /// <summary>How many tasks block its transition.</summary>
    public int BlockingCount { get; init; }

    /// <summary>Names of the first of them.</summary>
    public IReadOnlyList<string> Blocking { get; set; } = [];
}

/// <summary>States of a livepatch on a machine.</summary>
public static class LivepatchStates
{
    /// <summary>Its functions are in use.</summary>
    public const string Live = "live";

    /// <summary>Tasks are switching to it.</summary>
    public const string GoingLive = "going live";

    /// <summary>Tasks are switching away from it.</summary>
    public const string GoingAway = "going away";

    /// <summary>Its module is loaded but not live.</summary>
    public const string Loaded = "loaded";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Live, GoingLive, GoingAway, Loaded];
}

/// <summary>A machine as the server knows it.</summary>
/// <param name="Id">Derived from the reporting token and the machine's name.</param>
/// <param name="Report">Its last report.</param>
/// <param name="ReportedBy">Name of the token with which it reports.</param>
/// <param name="FirstSeen">When it first reported.</param>
/// <param name="LastSeen">When it last reported.</param>
public sealed record MachineView(
    string Id,
    MachineReport Report,
    string ReportedBy,
    DateTimeOffset FirstSeen,
    DateTimeOffset LastSeen
)
{
    /// <summary>
    /// Only in the answer to a report: signed notices for those of its livepatches that have been withdrawn
    /// (<see cref="Manifests.WithdrawalNotice"/>). Null if there are none.
    /// </summary>
    public IReadOnlyList<Manifests.Envelope>? Withdrawals { get; init; }
}

/// <summary>A page of machines, in the order of their names.</summary>
/// <param name="Machines">The machines.</param>
/// <param name="Next">Value of <c>after</c> for the next page; null on the last page.</param>
public sealed record MachinePage(IReadOnlyList<MachineView> Machines, string? Next);
