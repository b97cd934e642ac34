using System.Text.Json.Serialization;
using Elivepatch.Model;

namespace Elivepatch.Protocol.Api;

/// <summary>Whether livepatches can be built for a kernel.</summary>
public enum KernelState
{
    /// <summary>A required part is missing.</summary>
    [JsonStringEnumMemberName("incomplete")]
    Incomplete,

    /// <summary>Builds can be submitted.</summary>
    [JsonStringEnumMemberName("ready")]
    Ready,
}

/// <summary>A kernel as the server knows it.</summary>
/// <param name="Id">Identifies the kernel in requests: hexadecimal, derived from the content of its capture.</param>
/// <param name="Release">As printed by <c>uname -r</c>.</param>
/// <param name="BuildId">Build-id of vmlinux, hexadecimal.</param>
/// <param name="Compiler">The compiler that built it, as in <c>CONFIG_CC_VERSION_TEXT</c>.</param>
/// <param name="State">Whether livepatches can be built for it.</param>
/// <param name="Proof">How builds are verified to match: <c>bytes</c> with the boot image, <c>layout</c> without it.</param>
/// <param name="CanBeTested">True if the boot image is known.</param>
/// <param name="Missing">Parts that the server does not have.</param>
/// <param name="Added">When it was registered.</param>
public sealed record KernelView(
    string Id,
    string Release,
    string BuildId,
    string Compiler,
    KernelState State,
    string Proof,
    bool CanBeTested,
    IReadOnlyList<MissingPart> Missing,
    DateTimeOffset Added
);

/// <summary>A part of a kernel that the server does not have.</summary>
/// <param name="Name">Identifies the part in requests: one of <see cref="KernelParts"/>.</param>
/// <param name="IsRequired">True if nothing can be built without it.</param>
/// <param name="Why">What it is needed for, and where to find it on a machine.</param>
/// <param name="CanBeSent">True if the operator allows clients to send it.</param>
public sealed record MissingPart(string Name, bool IsRequired, string Why, bool CanBeSent);

/// <summary>Names of the parts of a kernel.</summary>
public static class KernelParts
{
    /// <summary>The source: a tar archive, compressed or not.</summary>
    public const string Source = "source";

    /// <summary>The boot image (bzImage).</summary>
    public const string BootImage = "boot-image";

    private const string ModulePrefix = "module:";

    /// <summary>The file of a module, as it is installed.</summary>
    /// <param name="name">The module, as the kernel calls it.</param>
    public static string OfModule(string name) => ModulePrefix + name;

    /// <summary>The module whose file a part is; null if it is another part, or the name is none.</summary>
    public static string? ModuleOf(string part) =>
        part.StartsWith(ModulePrefix, StringComparison.Ordinal) && ModuleName.IsOfKernel(part[ModulePrefix.Length..])
            ? part[ModulePrefix.Length..]
            : null;
}
