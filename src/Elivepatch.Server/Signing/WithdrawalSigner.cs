using System.Text.Json;
using Elivepatch.Protocol.Manifests;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Signing;

/// <summary>Signs notices of withdrawal, with the key that signs manifests now.</summary>
internal sealed class WithdrawalSigner(KeyRing keys)
{
    /// <summary>The signed notice.</summary>
    public Envelope Sign(StoredWithdrawal withdrawal)
    {
        var notice = new WithdrawalNotice(
            withdrawal.Module,
            withdrawal.Artifact,
            withdrawal.BuildId,
            withdrawal.Withdrawn,
            withdrawal.Problems
        );
        return keys.Sign(
            WithdrawalNotice.PayloadType,
            _ => JsonSerializer.SerializeToUtf8Bytes(notice, ManifestJson.Default.WithdrawalNotice)
        );
    }
}
