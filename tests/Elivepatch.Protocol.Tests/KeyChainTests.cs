using System.Text.Json;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Tests;

public sealed class KeyChainTests : IDisposable
{
    private readonly SigningKey first = SigningKey.Create();
    private readonly SigningKey second = SigningKey.Create();
    private readonly SigningKey third = SigningKey.Create();

    public void Dispose()
    {
        first.Dispose();
        second.Dispose();
        third.Dispose();
    }

    [Fact]
    public void A_pinned_key_leads_to_the_current_one_over_every_rotation()
    {
        KeyView[] shown = [View(first, Endorse(first, second)), View(second, Endorse(second, third)), View(third, null)];
        Assert.Equal(third.Public.Id, KeyChain.Follow(shown, first.Public).Value.Id);
        Assert.Equal(third.Public.Id, KeyChain.Follow(shown, third.Public).Value.Id);
    }

    [Fact]
    public void A_key_that_the_server_does_not_show_is_not_trusted() => Refused([View(second, null)]);

    [Fact]
    public void An_endorsement_by_somebody_else_is_worth_nothing()
    {
        Refused([View(first, Endorse(third, second)), View(second, null)]);
        var stolen = Endorse(first, second);
        Refused([View(first, stolen with { Payload = Endorse(first, third).Payload }), View(third, null)]);
    }

    [Fact]
    public void An_endorsement_for_another_key_or_of_another_kind_is_refused()
    {
        Refused([View(first, first.Sign(KeyEndorsement.PayloadType, Payload(second, third))), View(third, null)]);
        Refused([View(first, first.Sign("text/plain", Payload(first, second))), View(second, null)]);
        Refused([View(first, first.Sign(KeyEndorsement.PayloadType, "{"u8.ToArray())), View(second, null)]);
        Refused([View(first, null) with { IsCurrent = false }, View(second, null)]);
    }

    [Fact]
    public void Keys_in_a_circle_come_to_an_end() =>
        Refused([View(first, Endorse(first, second)), View(second, Endorse(second, first))]);

    private void Refused(IReadOnlyList<KeyView> shown) =>
        Assert.Equal("ELP1110", KeyChain.Follow(shown, first.Public).Problems[0].Code.Id);

    private static KeyView View(SigningKey key, Envelope? endorsement) =>
        new(key.Public.Id, PublicKey.Algorithm, key.Public.Pem, DateTimeOffset.UnixEpoch, endorsement is null, endorsement);

    private static Envelope Endorse(SigningKey by, SigningKey next) => by.Sign(KeyEndorsement.PayloadType, Payload(by, next));

    private static byte[] Payload(SigningKey by, SigningKey next) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new KeyEndorsement(by.Public.Id, next.Public.Id, next.Public.Pem, DateTimeOffset.UnixEpoch),
            ManifestJson.Default.KeyEndorsement
        );
}
