using System.Security.Cryptography;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Protocol.Api;

/// <summary>A request for a build. Equal requests share one build.</summary>
public sealed record BuildSubmission
{
    /// <summary>The kernel's ID.</summary>
    public required string Kernel { get; init; }

    /// <summary>The patches to make live, in order; at least one.</summary>
    public required IReadOnlyList<PatchFile> Patches { get; init; }

    /// <summary>Patches that the kernel was built with on top of its source, in order.</summary>
    public IReadOnlyList<PatchFile> BasePatches { get; set; } = [];

    /// <summary>
    /// Statements of the patches' author, in order. Each lifts one refusal; one that the build does not need is refused.
    /// </summary>
    public IReadOnlyList<AuthorStatement> Statements
    {
        get => field ?? [];
        init;
    } = [];

    /// <summary>
    /// The files of the kernel's modules that the build needs, parts of the kernel that were sent before, by module. A build that
    /// lacks one fails and says which; modules of kernels whose packages the server has are not needed.
    /// </summary>
    public IReadOnlyList<ModuleFile> Modules
    {
        get => field ?? [];
        init;
    } = [];

    /// <summary>Name of the module; if null, made from the name of the first patch.</summary>
    public string? Name { get; init; }

    /// <summary>True for a cumulative livepatch that replaces all others atomically.</summary>
    public bool Replace { get; set; } = true;

    /// <summary>
    /// A script for busybox <c>sh</c> that runs only in the test's virtual machine: with the argument <c>before</c>, then
    /// <c>during</c> and the livepatch's name, then <c>after</c> twice. An exit status other than 0 fails the test.
    /// </summary>
    public string? Script { get; init; }
}

/// <summary>The file of a kernel's module.</summary>
/// <param name="Name">The module, as the kernel calls it.</param>
/// <param name="Sha256">SHA-256 of the file as it was sent, hexadecimal.</param>
public sealed record ModuleFile(string Name, string Sha256);

/// <summary>A patch file.</summary>
/// <param name="Name">File name; plain characters, no directory.</param>
/// <param name="Content">The unified diff (base64 in JSON).</param>
public sealed record PatchFile(string Name, byte[] Content)
{
    /// <summary>How many bytes a patch may have, wherever it comes from.</summary>
    public const int Largest = 16 << 20;

    /// <summary>References to these patches, in order.</summary>
    public static IReadOnlyList<PatchReference> ToReferences(IReadOnlyList<PatchFile> patches) =>
        [.. patches.Select(p => new PatchReference(p.Name, Convert.ToHexStringLower(SHA256.HashData(p.Content))))];
}
