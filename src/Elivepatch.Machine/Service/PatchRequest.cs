namespace Elivepatch.Machine.Service;

/// <summary>What <c>elivepatch patch</c> is asked for.</summary>
public sealed record PatchRequest
{
    /// <summary>Paths of the patches to make live beside those that are.</summary>
    public required IReadOnlyList<string> Patches { get; init; }

    /// <summary>Names of live patches to leave out.</summary>
    public IReadOnlyList<string> Dropped { get; init; } = [];

    /// <summary>The server; null for the one that is trusted.</summary>
    public string? Server { get; init; }

    /// <summary>A file with the token; null for none.</summary>
    public string? TokenFile { get; init; }

    /// <summary>The server's key for this run; null for the pinned one.</summary>
    public string? Key { get; init; }

    /// <summary>True where the token may travel unencrypted.</summary>
    public bool AllowsHttp { get; init; }

    /// <summary>
    /// Paths of the patches that the kernel was built with; null to look for them where the package manager has them.
    /// </summary>
    public IReadOnlyList<string>? BasePatches { get; init; }

    /// <summary>The package that built the kernel, where there is doubt.</summary>
    public string? KernelPackage { get; init; }

    /// <summary>An archive or a folder with the kernel's source, to be sent where the server wants it.</summary>
    public string? Source { get; init; }

    /// <summary>A file with the author's statements for all patches; null to keep those of the live livepatch.</summary>
    public string? Statements { get; init; }

    /// <summary>A script for the test in the server's virtual machine.</summary>
    public string? Script { get; init; }

    /// <summary>Name of the module; null for one made of the patches.</summary>
    public string? Name { get; init; }

    /// <summary>Where to write the module instead of loading it; null to load it.</summary>
    public string? Output { get; init; }

    /// <summary>True to load the module.</summary>
    public bool Loads { get; init; } = true;

    /// <summary>True where livepatches of another origin may be taken away.</summary>
    public bool ReplacesForeign { get; init; }

    /// <summary>True where a manifest may be older than the newest that was accepted.</summary>
    public bool AcceptsOlder { get; init; }

    /// <summary>How long to wait for the end of the transition.</summary>
    public TimeSpan TransitionLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long to wait for the server's build.</summary>
    public TimeSpan BuildLimit { get; init; } = TimeSpan.FromHours(2);
}
