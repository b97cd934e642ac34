using Elivepatch.Model.Statements;

namespace Elivepatch.Protocol.Api;

/// <summary>A build that a client asks for. Equal requests share one build.</summary>
public sealed record BuildSubmission
{
    /// <summary>The kernel's id.</summary>
    public required string Kernel { get; init; }

    /// <summary>The patches to make live, in order; at least one.</summary>
    public required IReadOnlyList<PatchFile> Patches { get; init; }

    /// <summary>Patches that the kernel was built with on top of its source, in order.</summary>
    public IReadOnlyList<PatchFile> BasePatches { get; set; } = [];

    /// <summary>
    /// What the author of the patches states, in order: each lifts one refusal, and one that the build does not need is refused.
    /// </summary>
    public IReadOnlyList<AuthorStatement> Statements { get => field ?? []; init; } = [];

    /// <summary>Name of the module; null takes it from the first patch.</summary>
    public string? Name { get; init; }

    /// <summary>True for a cumulative livepatch that replaces all others atomically.</summary>
    public bool Replace { get; set; } = true;

    /// <summary>
    /// A script for busybox's <c>sh</c> that runs in the test's virtual machine and nowhere else: with the word <c>before</c>,
    /// then <c>during</c> and the livepatch's name, then <c>after</c>. A status other than 0 fails the test.
    /// </summary>
    public string? Script { get; init; }
}

/// <summary>A patch as it travels.</summary>
/// <param name="Name">Its file's name; plain characters, no folder.</param>
/// <param name="Content">The unified diff (base64 in JSON).</param>
public sealed record PatchFile(string Name, byte[] Content)
{
    /// <summary>How many bytes a patch may have, wherever it comes from.</summary>
    public const int Largest = 16 << 20;
}
