namespace Elivepatch.Protocol.Captures;

/// <summary>The small facts of a kernel capture: <c>capture.json</c>.</summary>
public sealed record CaptureFacts
{
    /// <summary>The format that is written today.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The format that this capture was written in.</summary>
    public int Format { get; set; } = CurrentFormat;

    /// <summary>What <c>uname -r</c> says.</summary>
    public required string Release { get; init; }

    /// <summary>The build-id of the running kernel, from <c>/sys/kernel/notes</c>.</summary>
    public required string BuildId { get; init; }

    /// <summary>The compiler, as in <c>CONFIG_CC_VERSION_TEXT</c>.</summary>
    public required string Compiler { get; init; }

    /// <summary>What <c>uname -m</c> says.</summary>
    public required string Machine { get; init; }

    /// <summary>What <c>/proc/version</c> says.</summary>
    public required string KernelVersionText { get; init; }

    /// <summary>The modules that are loaded.</summary>
    public IReadOnlyList<LoadedModule> Modules { get; set; } = [];

    /// <summary>The livepatches that are loaded.</summary>
    public IReadOnlyList<string> Livepatches { get; set; } = [];
}
