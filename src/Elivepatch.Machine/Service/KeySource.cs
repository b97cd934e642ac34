using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Machine.Service;

/// <summary>A key as somebody names it: a file with the key, or its identity.</summary>
/// <param name="Key">The key itself; null where only its identity is known.</param>
/// <param name="Id">Its identity.</param>
public sealed record KeySource(PublicKey? Key, string Id)
{
    private const int IdLength = 64;
    private const int LargestFile = 64 << 10;

    /// <summary>Reads what <c>--key</c> says.</summary>
    public static Outcome<KeySource> Parse(string text)
    {
        if (text.Length == IdLength && text.All(char.IsAsciiHexDigit))
        {
            return new KeySource(null, text.ToLowerInvariant());
        }

        if (!File.Exists(text) && !text.Contains('/', StringComparison.Ordinal) && text.All(char.IsAsciiHexDigit))
        {
            return new Problem(TrustProblems.PublicKeyUnusable, $"'{text}' has {text.Length} digits; an identity has {IdLength}");
        }

        return InputFile
            .Read(text)
            .Then(content =>
                content.Length > LargestFile
                    ? new Problem(TrustProblems.PublicKeyUnusable, $"{text} has {content.Length} bytes")
                    : PublicKey
                        .Read(System.Text.Encoding.ASCII.GetString(content))
                        .Then<KeySource>(key => new KeySource(key, key.Id))
            );
    }

    /// <summary>The key, among those that a server shows where only the identity is known.</summary>
    public Outcome<PublicKey> Find(IReadOnlyList<KeyView> shown)
    {
        if (Key is not null)
        {
            return Key;
        }
        // What a server calls a key decides nothing: the identity is made of the key.
        var found = shown.Select(k => PublicKey.Read(k.PublicKey)).FirstOrDefault(k => k.TryGet(out var key) && key.Id == Id);
        return found ?? new Problem(TrustProblems.KeyNotTrusted, $"the server does not show a key {Id}");
    }
}
