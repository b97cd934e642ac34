using System.Text.Json.Serialization;
using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Architectures;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Records;

/// <summary>The part of a kernel record that is small: <c>record.json</c>.</summary>
public sealed record KernelFacts
{
    /// <summary>The format of this file.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The format that this record was written in.</summary>
    public int Format { get; set; } = CurrentFormat;

    /// <summary>
    /// The name by which users call the kernel: its release, with the start of the build-id where two share it.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>What <c>uname -r</c> says on it.</summary>
    public required string Release { get; init; }

    /// <summary>The build-id of vmlinux in hexadecimal.</summary>
    public required string BuildId { get; init; }

    /// <summary>The compiler that built it, as in <c>CONFIG_CC_VERSION_TEXT</c>.</summary>
    public required string Compiler { get; init; }

    /// <summary>What <c>uname -m</c> says on it. Records that do not say so are of the first processor that there was.</summary>
    public string Machine { get; set; } = KernelArchitectures.X8664.Machine;

    /// <summary>The processor that it is for.</summary>
    /// <exception cref="InvalidDataException">It is one that no kernel is imported for.</exception>
    [JsonIgnore]
    public KernelArchitecture Architecture =>
        KernelArchitectures.Of(Machine) ?? throw new InvalidDataException($"the record of {Name} is of machine {Machine}");

    /// <summary>What <c>/proc/version</c> or the boot image says of the build.</summary>
    public string KernelVersionText { get; set; } = "";

    /// <summary>Key of the source archive in the cache: its SHA-256.</summary>
    public required string SourceDigest { get; init; }

    /// <summary>Where its source lay when it was compiled, if its code tells; null where that does not matter.</summary>
    public string? SourcePath { get; set; }

    /// <summary>Patches that the kernel was built with, in order.</summary>
    public IReadOnlyList<BasePatch> BasePatches { get; set; } = [];

    /// <summary>Where the record comes from.</summary>
    public required KernelOrigin Origin { get; init; }

    /// <summary>Modules that were loaded when it was captured; empty for a packaged kernel.</summary>
    public IReadOnlyList<LoadedModule> Modules { get; set; } = [];

    /// <summary>Livepatches that were loaded when it was captured.</summary>
    public IReadOnlyList<string> Livepatches { get; set; } = [];

    /// <summary>Sizes of the entries of its special sections and of structs, from its own headers.</summary>
    public required EntryLayouts Layouts { get; init; }
}
