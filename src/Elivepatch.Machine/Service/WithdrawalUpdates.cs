// In: notices of withdrawal, from whoever answered as the server. Out: those that the server's key has signed, kept on the
// disk: `status` tells of them when no server can be reached, and nothing that is known to be withdrawn is loaded at boot.

using Elivepatch.Model;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine.Service;

/// <summary>Takes notices of withdrawal.</summary>
public sealed class WithdrawalUpdates(MachineAccess machine, MachineState state, ServerAddress address, ServerClient client)
{
    private const int Most = 64;

    /// <summary>Takes notices that came with an answer.</summary>
    /// <param name="notices">The notices.</param>
    /// <param name="keys">Keys that are trusted: pinned, or the ones that livepatches were accepted with.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>What was kept; problems where a notice was not believed, or could not be kept.</returns>
    public async Task<(IReadOnlyList<KnownWithdrawal> Kept, IReadOnlyList<Problem> Problems)> AcceptAsync(
        IReadOnlyList<Envelope> notices,
        IReadOnlyList<PublicKey> keys,
        CancellationToken cancellation
    )
    {
        var kept = new List<KnownWithdrawal>();
        var problems = new List<Problem>();
        var buildId = machine.BuildId();
        if (notices.Count == 0 || !buildId.TryGet(out var running))
        {
            return ([], buildId.Problems);
        }

        var trusted = await FollowAsync(notices, keys, cancellation);
        foreach (var envelope in notices.Take(Most))
        {
            var opened = WithdrawalNotice.Open(envelope, trusted);
            if (!opened.TryGet(out var notice))
            {
                problems.AddRange(opened.Problems);
            }
            else if (notice.BuildId == running)
            {
                kept.Add(Known(notice));
            }
        }

        if (kept.Count > 0 && await KeepAsync(running, kept, cancellation) is { } unkept)
        {
            problems.Add(unkept);
        }

        return (kept, problems);
    }

    /// <summary>Asks whether a livepatch has been withdrawn; null where not, and where that cannot be found out.</summary>
    public async Task<KnownWithdrawal?> QueryAsync(
        OwnLivepatch livepatch,
        IReadOnlyList<PublicKey> keys,
        CancellationToken cancellation
    )
    {
        // A server that does not know the question is older than withdrawals.
        var asked = await client.GetWithdrawalAsync(livepatch.Sha256, cancellation);
        if (!asked.TryGet(out var answer) || answer.Notice is not { } notice)
        {
            return null;
        }

        var (kept, _) = await AcceptAsync([notice], keys, cancellation);
        return kept.FirstOrDefault(k => k.Sha256 == livepatch.Sha256);
    }

    /// <summary>The keys by which livepatches of a kernel were accepted, and those that are pinned.</summary>
    public static IReadOnlyList<PublicKey> KeysOf(IReadOnlyList<OwnLivepatch> livepatches, MachineConfig config, string server) =>
        [
            .. livepatches
                .Where(l => l.Server == server)
                .Select(l => l.PublicKey)
                .Concat(config.Servers.Where(s => s.Url == server).Select(s => s.PublicKey))
                .Distinct(StringComparer.Ordinal)
                .Select(PublicKey.Read)
                .Where(k => k.Succeeded)
                .Select(k => k.Value),
        ];

    // The server may have rotated its key since the last `patch`: the old one leads to the new one.
    private async Task<IReadOnlyList<PublicKey>> FollowAsync(
        IReadOnlyList<Envelope> notices,
        IReadOnlyList<PublicKey> keys,
        CancellationToken cancellation
    )
    {
        if (notices.Take(Most).All(n => WithdrawalNotice.Open(n, keys).Succeeded))
        {
            return keys;
        }

        var shown = await client.GetKeysAsync(cancellation);
        return shown.TryGet(out var current)
            ? [.. keys, .. keys.Select(k => KeyChain.Follow(current, k)).Where(k => k.Succeeded).Select(k => k.Value)]
            : keys;
    }

    private KnownWithdrawal Known(WithdrawalNotice notice) =>
        new()
        {
            Module = notice.Module,
            Sha256 = notice.Sha256,
            Server = address.Url,
            Withdrawn = notice.Withdrawn,
            Told = machine.Time.GetUtcNow(),
            Problems = notice.Problems,
        };

    private async Task<Problem?> KeepAsync(string buildId, IReadOnlyList<KnownWithdrawal> told, CancellationToken cancellation) =>
        state.Prepare(buildId) ?? await state.ChangeWithdrawalsAsync(buildId, known => known.With(told), cancellation);
}
