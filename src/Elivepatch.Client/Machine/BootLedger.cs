namespace Elivepatch.Client.Machine;

/// <summary>What the machine remembers about loading at boot: <c>boot.json</c>.</summary>
internal sealed record BootLedger
{
    /// <summary>The format that is written today.</summary>
    public const int CurrentFormat = 1;

    /// <summary>So many boots that went down soon after suspend loading.</summary>
    public const int MostAttempts = 2;

    /// <summary>The format that this file was written in.</summary>
    public int Format { get; set; } = CurrentFormat;

    /// <summary>True where livepatches are to be loaded at boot.</summary>
    public bool IsOn { get; init; }

    /// <summary>Attempts since the last one after which the machine stayed up. Counted before anything is loaded.</summary>
    public int Attempts { get; init; }

    /// <summary>The boot of the last attempt.</summary>
    public string? AttemptBoot { get; init; }

    /// <summary>True where nothing is loaded any more until somebody turns it on again.</summary>
    public bool IsSuspended => Attempts >= MostAttempts;
}
