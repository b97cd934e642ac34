// In: a request for a livepatch as the first elivepatch's client sends it: two headers, and a multipart form with the parts patch
// (any number), main_patch and config. Out: the same as data. No name that a client sends is used.

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Elivepatch.Model;
using Elivepatch.Model.Files;
using Elivepatch.Protocol.Api;
using Microsoft.AspNetCore.Http.Features;

namespace Elivepatch.Server.FirstApi;

/// <summary>A request of a client of the first elivepatch.</summary>
/// <param name="Uuid">What the client calls its request.</param>
/// <param name="KernelVersion">The kernel's release, or the version in it.</param>
/// <param name="Config">The kernel's configuration.</param>
/// <param name="BasePatches">Patches that the kernel has, in order.</param>
/// <param name="Main">The patch to make live.</param>
internal sealed partial record FirstRequest(
    string Uuid,
    string KernelVersion,
    string Config,
    IReadOnlyList<PatchFile> BasePatches,
    PatchFile Main
)
{
    private const int MostParts = 2002;
    private const int LargestConfig = 4 << 20;

    /// <summary>Reads one.</summary>
    /// <param name="request">The request.</param>
    /// <param name="most">How many bytes its body may have.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<Outcome<FirstRequest>> ReadAsync(HttpRequest request, long most, CancellationToken cancellation)
    {
        if (ReadUuid(request.Headers["UUID"].ToString()) is not { } uuid)
        {
            return Malformed("the header UUID is missing or not a UUID");
        }

        var version = request.Headers["KernelVersion"].ToString();
        if (!VersionPattern().IsMatch(version))
        {
            return Malformed("the header KernelVersion is missing or not a version");
        }

        if (!request.HasFormContentType)
        {
            return Malformed("it is not a multipart form");
        }

        IFormCollection form;
        try
        {
            form = await request.ReadFormAsync(
                new FormOptions
                {
                    MultipartBodyLengthLimit = most,
                    ValueCountLimit = MostParts,
                    KeyLengthLimit = 100,
                    MultipartBoundaryLengthLimit = 200,
                    MultipartHeadersCountLimit = 16,
                    MultipartHeadersLengthLimit = 8192,
                },
                cancellation
            );
        }
        catch (Exception e) when (e is InvalidDataException || (e is IOException && IsOfForm(e)))
        {
            return Malformed(e.Message);
        }

        if (form.Files.Count > MostParts)
        {
            return Malformed($"it has more than {MostParts} parts");
        }

        if (form.Files.Where(f => f.Name == "main_patch").ToList() is not [{ Length: <= PatchFile.Largest } main])
        {
            return Malformed($"it needs one part main_patch, of at most {PatchFile.Largest >> 20} MiB");
        }

        if (form.Files.Where(f => f.Name == "config").ToList() is not [{ Length: <= LargestConfig } config])
        {
            return Malformed("it needs one part config, of at most 4 MiB");
        }

        var patches = new List<PatchFile>();
        foreach (var part in form.Files.Where(f => f.Name == "patch"))
        {
            if (part.Length > PatchFile.Largest)
            {
                return Malformed($"a part patch has more than {PatchFile.Largest >> 20} MiB");
            }

            patches.Add(
                new(
                    patches.Count.ToString("00000", CultureInfo.InvariantCulture) + ".patch",
                    await BytesAsync(part, cancellation)
                )
            );
        }

        return new FirstRequest(
            uuid,
            version,
            Encoding.UTF8.GetString(await BytesAsync(config, cancellation)),
            patches,
            new("main.patch", await BytesAsync(main, cancellation))
        );
    }

    /// <summary>A UUID in lower case; null for what is none.</summary>
    public static string? ReadUuid(string? text) =>
        text is not null && UuidPattern().IsMatch(text) ? text.ToLowerInvariant() : null;

    // A form that ends in its middle; what the framework says of a body's size or slowness, and the disk's own failures, have
    // numbers.
    private static bool IsOfForm(Exception e) => e is not BadHttpRequestException && !DiskError.IsFull(e);

    private static async Task<byte[]> BytesAsync(IFormFile part, CancellationToken cancellation)
    {
        using var content = new MemoryStream();
        await part.CopyToAsync(content, cancellation);
        return content.ToArray();
    }

    private static Problem Malformed(string reason) => new(ServerProblems.RequestMalformed, reason);

    [GeneratedRegex(@"\A[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\z")]
    private static partial Regex UuidPattern();

    [GeneratedRegex(@"\A[0-9]{1,3}(\.[0-9]{1,5}){1,2}[0-9A-Za-z.+_~-]{0,64}\z")]
    private static partial Regex VersionPattern();
}
