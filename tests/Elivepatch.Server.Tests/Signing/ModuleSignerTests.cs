using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using Elivepatch.Kernel.Processes;
using Elivepatch.Server.Signing;
using static Elivepatch.Server.Tests.Builds.Workbench;

namespace Elivepatch.Server.Tests.Signing;

public sealed class ModuleSignerTests : IDisposable
{
    private static readonly byte[] module = RandomNumberGenerator.GetBytes(10_000);
    private readonly string folder = Directory.CreateTempSubdirectory("modules-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("sha256", false)]
    [InlineData("sha384", false)]
    [InlineData("sha512", false)]
    [InlineData("", false)]
    [InlineData("sha512", true)]
    public async Task OpenSSL_verifies_what_is_appended(string hash, bool elliptic)
    {
        using var pair = ModuleKeyPair.Create(folder, elliptic);
        using var signer = Get(ModuleSigner.Open(pair.KeyPath, pair.CertificatePath));
        var signed = Get(signer.Sign(module, hash));
        Assert.Equal(module, signed[..module.Length]);
        await VerifyAsync(module, MessageOf(signed), pair.CertificatePath, expected: true);
        var other = module.ToArray();
        other[5000] ^= 1;
        await VerifyAsync(other, MessageOf(signed), pair.CertificatePath, expected: false);
    }

    [Fact]
    public void The_form_is_the_kernels()
    {
        using var pair = ModuleKeyPair.Create(folder);
        using var signer = Get(ModuleSigner.Open(pair.KeyPath, pair.CertificatePath));
        var signed = Get(signer.Sign(module, "sha256"));
        // struct module_signature: algo, hash, id_type, signer_len, key_id_len, three bytes of padding, length.
        var trailer = signed.AsSpan()[..^ModuleSigner.Magic.Length][^12..];
        Assert.Equal([0, 0, 2, 0, 0, 0, 0, 0], trailer[..8].ToArray());
        var message = new SignedCms();
        message.Decode(MessageOf(signed));
        var info = Assert.Single(message.SignerInfos.Cast<SignerInfo>());
        Assert.Empty(message.Certificates);
        Assert.Empty(info.SignedAttributes);
        Assert.Equal("2.16.840.1.101.3.4.2.1", info.DigestAlgorithm.Value);
        Assert.Equal("1.2.840.113549.1.1.1", info.SignatureAlgorithm.Value);
        Assert.Equal(SubjectIdentifierType.IssuerAndSerialNumber, info.SignerIdentifier.Type);
    }

    [Fact]
    public void A_signed_module_is_not_signed_again()
    {
        using var pair = ModuleKeyPair.Create(folder);
        using var signer = Get(ModuleSigner.Open(pair.KeyPath, pair.CertificatePath));
        Assert.False(signer.Sign(Get(signer.Sign(module, "sha256")), "sha256").Succeeded);
    }

    [Fact]
    public void A_key_that_is_none_or_anothers_is_refused()
    {
        using var pair = ModuleKeyPair.Create(folder);
        using var other = ModuleKeyPair.Create(Directory.CreateDirectory(Path.Combine(folder, "other")).FullName);
        Refused(pair.KeyPath, Path.Combine(folder, "missing"));
        Refused(other.KeyPath, pair.CertificatePath);
        Refused(pair.CertificatePath, pair.CertificatePath);
        File.WriteAllText(pair.KeyPath, "damaged");
        Refused(pair.KeyPath, pair.CertificatePath);
    }

    private static void Refused(string key, string certificate)
    {
        var opened = ModuleSigner.Open(key, certificate);
        Assert.False(opened.Succeeded);
        Assert.Equal(ServerProblems.ModuleKeyUnusable, opened.Problems[0].Code);
    }

    private static byte[] MessageOf(byte[] signed)
    {
        var end = signed.Length - ModuleSigner.Magic.Length;
        Assert.Equal("~Module signature appended~\n"u8.ToArray(), signed[end..]);
        var length = BinaryPrimitives.ReadInt32BigEndian(signed.AsSpan(end - 4));
        return signed[(end - 12 - length)..(end - 12)];
    }

    private async Task VerifyAsync(byte[] content, byte[] message, string certificate, bool expected)
    {
        await File.WriteAllBytesAsync(Path.Combine(folder, "content"), content, Cancellation);
        await File.WriteAllBytesAsync(Path.Combine(folder, "message"), message, Cancellation);
        var result = await ProcessRunner.RunAsync(
            new()
            {
                File = "openssl",
                Arguments =
                [
                    "cms",
                    "-verify",
                    "-binary",
                    "-inform",
                    "DER",
                    "-in",
                    "message",
                    "-content",
                    "content",
                    "-certfile",
                    certificate,
                    "-nointern",
                    "-noverify",
                    "-out",
                    "/dev/null",
                ],
                WorkingDirectory = folder,
            },
            Cancellation
        );
        Assert.True(result.Succeeded == expected, result.Describe());
    }
}
