using System.Globalization;
using Elivepatch.Model;
using Elivepatch.Protocol;

namespace Elivepatch.Machine;

/// <summary>A livepatch that the server which built it has withdrawn, as the machine was told.</summary>
public sealed record KnownWithdrawal
{
    /// <summary>Name of the module.</summary>
    public required string Module { get; init; }

    /// <summary>SHA-256 of the module, hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>The server that said so.</summary>
    public required string Server { get; init; }

    /// <summary>When it was withdrawn.</summary>
    public required DateTimeOffset Withdrawn { get; init; }

    /// <summary>When this machine was told.</summary>
    public required DateTimeOffset Told { get; init; }

    /// <summary>The rules that it breaks.</summary>
    public required IReadOnlyList<ProblemReport> Problems { get; init; }

    /// <summary>What to do where it is live.</summary>
    public string Remedy =>
        $"Replace it with `elivepatch patch`, which has it rebuilt, or remove it with `elivepatch disable {Module}`.";

    /// <summary>What is wrong with it, in one line.</summary>
    public string Describe()
    {
        var rules = string.Join("; ", Problems.Select(p => $"{p.Code} {p.Title}: {p.Reason}"));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Module} was withdrawn by {Server} on {Withdrawn.UtcDateTime:yyyy-MM-dd}: {rules}"
        );
    }

    /// <summary>The same as a problem.</summary>
    public Problem ToProblem() => new(MachineProblems.LivepatchKnownWithdrawn, Describe(), Remedy);
}

/// <summary>
/// The withdrawn livepatches of one kernel that the machine knows of: <c>kernels/BUILD-ID/withdrawn.json</c>. A file of its
/// own, so that an earlier version of this command finds its own as it left it.
/// </summary>
public sealed record KnownWithdrawals
{
    /// <summary>The format that is written today.</summary>
    public const int CurrentFormat = 1;

    // A machine has one livepatch of ours at a time; whoever sends more than this has something else in mind.
    private const int Most = 200;

    /// <summary>The format that this file was written in.</summary>
    public int Format { get; set; } = CurrentFormat;

    /// <summary>They, in the order in which the machine was told.</summary>
    public IReadOnlyList<KnownWithdrawal> Livepatches { get; set; } = [];

    /// <summary>The withdrawal of a module; null where none is known.</summary>
    public KnownWithdrawal? Find(string? sha256) => Livepatches.FirstOrDefault(l => l.Sha256 == sha256);

    /// <summary>
    /// The withdrawal of a module; null where none is known that is newer than the module's manifest: the last word counts.
    /// </summary>
    public KnownWithdrawal? Find(string sha256, DateTimeOffset issued) =>
        Find(sha256) is { } known && known.Withdrawn >= issued ? known : null;

    /// <summary>
    /// The same with others, each in place of what was known of the module. What is told again changes nothing.
    /// </summary>
    public KnownWithdrawals With(IReadOnlyList<KnownWithdrawal> others)
    {
        var news = others.Where(o => Find(o.Sha256)?.Withdrawn != o.Withdrawn).ToList();
        var kept = Livepatches.Where(l => news.All(o => o.Sha256 != l.Sha256));
        return this with { Livepatches = [.. kept.Concat(news).TakeLast(Most)] };
    }

    /// <summary>The same without a module whose manifest was issued after it had been withdrawn.</summary>
    public KnownWithdrawals Without(string sha256, DateTimeOffset issued) =>
        this with
        {
            Livepatches = [.. Livepatches.Where(l => l.Sha256 != sha256 || l.Withdrawn >= issued)],
        };
}
