using System.Text.Json.Serialization;

namespace Elivepatch.Protocol.Api;

/// <summary>Whether livepatches can be built for a kernel.</summary>
public enum KernelState
{
    /// <summary>A part is missing without which nothing can be built.</summary>
    [JsonStringEnumMemberName("incomplete")]
    Incomplete,

    /// <summary>Builds can be submitted.</summary>
    [JsonStringEnumMemberName("ready")]
    Ready,
}

/// <summary>A kernel as the server knows it.</summary>
/// <param name="Id">Names the kernel in requests: hexadecimal, made of the content of its capture.</param>
/// <param name="Release">As <c>uname -r</c> gives it.</param>
/// <param name="BuildId">Build-id of vmlinux, hexadecimal.</param>
/// <param name="Compiler">The compiler that built it, as in <c>CONFIG_CC_VERSION_TEXT</c>.</param>
/// <param name="State">Whether livepatches can be built for it.</param>
/// <param name="Proof">How far a build is proven to fit: <c>bytes</c> with the boot image, <c>layout</c> without.</param>
/// <param name="CanBeTested">True where the boot image is known.</param>
/// <param name="Missing">What the server would like to have of it.</param>
/// <param name="Added">When it was first seen.</param>
public sealed record KernelView(
    string Id, string Release, string BuildId, string Compiler, KernelState State, string Proof, bool CanBeTested,
    IReadOnlyList<MissingPart> Missing, DateTimeOffset Added);

/// <summary>Something about a kernel that the server does not have.</summary>
/// <param name="Name">Names the part in requests: one of <see cref="KernelParts"/>.</param>
/// <param name="IsRequired">True where nothing can be built without it.</param>
/// <param name="Why">What it is needed for and where a machine has it.</param>
/// <param name="CanBeSent">True where the operator lets clients send it.</param>
public sealed record MissingPart(string Name, bool IsRequired, string Why, bool CanBeSent);

/// <summary>Names of the parts of a kernel.</summary>
public static class KernelParts
{
    /// <summary>The source: a tar archive, compressed or not.</summary>
    public const string Source = "source";

    /// <summary>The boot image (bzImage).</summary>
    public const string BootImage = "boot-image";
}
