// In: the files beside the pages, which are part of the program. Out: the same over HTTP, under names that have a digest of the
// content: a browser keeps them for good, and never shows a page with yesterday's style.

using System.Collections.Frozen;
using Elivepatch.Model;

namespace Elivepatch.Server.Pages;

/// <summary>The files that pages need.</summary>
internal static class PageAssets
{
    private const string Prefix = "Elivepatch.Server.Pages.Assets.";
    private const int DigestDigits = 16;

    private static readonly FrozenDictionary<string, string> mediaTypes = new Dictionary<string, string>
    {
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, Asset> byFile = Read()
        .ToFrozenDictionary(a => a.File, StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, Asset> byName = byFile.Values.ToFrozenDictionary(
        a => a.Name,
        StringComparer.Ordinal
    );

    /// <summary>The path of a file by its name in the source.</summary>
    public static string PathOf(string file) => PageRoutes.Assets + byFile[file].Name;

    /// <summary>Answers with a file.</summary>
    public static IResult Serve(HttpContext context, string name)
    {
        if (!byName.TryGetValue(name, out var asset))
        {
            return TypedResults.StatusCode(StatusCodes.Status404NotFound);
        }

        context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        return TypedResults.Bytes(asset.Content, asset.MediaType);
    }

    private static IEnumerable<Asset> Read()
    {
        var assembly = typeof(PageAssets).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(n => n.StartsWith(Prefix, StringComparison.Ordinal)))
        {
            using var stream = assembly.GetManifestResourceStream(resource)!;
            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            var file = resource[Prefix.Length..];
            var suffix = Path.GetExtension(file);
            var name = $"{Path.GetFileNameWithoutExtension(file)}-{ContentDigest.Of(content).Hex[..DigestDigits]}{suffix}";
            yield return new(file, name, mediaTypes[suffix], content);
        }
    }

    private sealed record Asset(string File, string Name, string MediaType, byte[] Content);
}
