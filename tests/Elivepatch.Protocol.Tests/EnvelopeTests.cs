using System.Security.Cryptography;
using System.Text;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Tests;

public sealed class EnvelopeTests : IDisposable
{
    private readonly SigningKey key = SigningKey.Create();

    public void Dispose() => key.Dispose();

    [Fact]
    public void The_signed_bytes_are_those_of_the_specification() =>
        Assert.Equal(
            // The example of the DSSE protocol document.
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
            Encoding.UTF8.GetString(Envelope.Encode("http://example.com/HelloWorld", "hello world"u8))
        );

    [Fact]
    public void Sizes_count_bytes_and_not_characters() =>
        Assert.Equal("DSSEv1 3 é! 2 ü", Encoding.UTF8.GetString(Envelope.Encode("é!", "ü"u8)));

    [Fact]
    public void A_signature_holds_for_its_type_and_payload_alone()
    {
        var envelope = key.Sign("text/plain", "hello"u8.ToArray());
        Assert.True(key.Public.HasSigned(envelope));
        Assert.False(key.Public.HasSigned(envelope with { PayloadType = "text/html" }));
        Assert.False(key.Public.HasSigned(envelope with { Payload = "hellp"u8.ToArray() }));
        Assert.False(key.Public.HasSigned(envelope with { Signatures = [] }));
        using var other = SigningKey.Create();
        Assert.False(other.Public.HasSigned(envelope));
    }

    [Fact]
    public void The_hint_at_the_key_decides_nothing()
    {
        using var other = SigningKey.Create();
        var envelope = other.Sign("text/plain", "hello"u8.ToArray());
        Assert.False(
            key.Public.HasSigned(envelope with { Signatures = [envelope.Signatures[0] with { KeyId = key.Public.Id }] })
        );
    }

    [Fact]
    public void Every_byte_of_a_signature_counts()
    {
        var envelope = key.Sign("text/plain", "hello"u8.ToArray());
        var signature = envelope.Signatures[0].Sig;
        for (var i = 0; i < signature.Length; i++)
        {
            var changed = signature.ToArray();
            changed[i] ^= 1;
            Assert.False(key.Public.HasSigned(envelope with { Signatures = [new("", changed)] }));
        }
    }

    [Fact]
    public void A_key_survives_its_file_and_keeps_its_identity()
    {
        using var again = SigningKey.Import(key.ExportPem());
        Assert.Equal(key.Public.Id, again.Public.Id);
        Assert.True(PublicKey.Read(key.Public.Pem).Value.HasSigned(again.Sign("t", [1])));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")]
    [InlineData("nonsense")]
    public void What_is_no_key_is_refused(string pem) => Assert.Equal("ELP1101", PublicKey.Read(pem).Problems[0].Code.Id);

    [Fact]
    public void Keys_of_other_curves_and_kinds_are_refused()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        Assert.False(PublicKey.Read(p384.ExportSubjectPublicKeyInfoPem()).Succeeded);
        Assert.False(PublicKey.Read(rsa.ExportSubjectPublicKeyInfoPem()).Succeeded);
    }
}
