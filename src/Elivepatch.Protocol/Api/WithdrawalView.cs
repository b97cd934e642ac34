using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Api;

/// <summary>A livepatch that was published and has been withdrawn, because its module breaks a rule.</summary>
public sealed record WithdrawalView
{
    /// <summary>SHA-256 of the module, hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Name of the module.</summary>
    public required string Module { get; init; }

    /// <summary>The build that made it. It may have been removed or run again since.</summary>
    public required string Build { get; init; }

    /// <summary>The kernel's release.</summary>
    public required string Release { get; init; }

    /// <summary>The kernel's build-id, hexadecimal.</summary>
    public required string BuildId { get; init; }

    /// <summary>The patches that it makes live.</summary>
    public required IReadOnlyList<PatchReference> Patches { get; init; }

    /// <summary>When it was withdrawn.</summary>
    public required DateTimeOffset Withdrawn { get; init; }

    /// <summary>The rules that it breaks.</summary>
    public required IReadOnlyList<ProblemReport> Problems { get; init; }

    /// <summary>The first machines that report it, in the order of their IDs.</summary>
    public required IReadOnlyList<WithdrawnOn> Machines { get; init; }

    /// <summary>True if more machines report it.</summary>
    public bool HasMoreMachines { get; init; }
}

/// <summary>A machine that reports a withdrawn livepatch.</summary>
/// <param name="Id">The machine's ID.</param>
/// <param name="Name">Its name.</param>
/// <param name="State">State of the livepatch on it, one of <see cref="LivepatchStates"/>.</param>
/// <param name="IsCertain">True if it reports which file it loaded; false if only names and patches agree, as they do for a
/// rebuilt
/// livepatch.</param>
/// <param name="ReportedBy">Name of the token with which it reports.</param>
/// <param name="LastSeen">When it last reported.</param>
public sealed record WithdrawnOn(
    string Id,
    string Name,
    string State,
    bool IsCertain,
    string ReportedBy,
    DateTimeOffset LastSeen
);

/// <summary>A page of withdrawn livepatches, newest first.</summary>
/// <param name="Withdrawals">The livepatches.</param>
/// <param name="Next">Value of <c>before</c> for the next page; null on the last page.</param>
public sealed record WithdrawalPage(IReadOnlyList<WithdrawalView> Withdrawals, long? Next);

/// <summary>Whether a module has been withdrawn.</summary>
/// <param name="Notice">The signed notice (<see cref="WithdrawalNotice"/>); null if the module has not been withdrawn, or is not
/// known here.</param>
public sealed record WithdrawalAnswer(Envelope? Notice);
