namespace Elivepatch.Machine;

/// <summary>What the machine remembers about loading at boot: <c>boot.json</c>.</summary>
public sealed record BootLedger
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

    /// <summary>The boot of the last attempt, while it is not known how that ended; one boot is one attempt.</summary>
    public string? AttemptBoot { get; init; }

    /// <summary>True where nothing is loaded any more until somebody turns it on again.</summary>
    public bool IsSuspended => Attempts >= MostAttempts;

    /// <summary>True where nothing is loaded in a boot. One that is an attempt already is none more by trying again.</summary>
    public bool IsSuspendedIn(string boot) => IsSuspended && !HasAttempt(boot);

    /// <summary>The same with an attempt in a boot, which counts until it is known to have done no harm.</summary>
    public BootLedger WithAttempt(string boot) =>
        HasAttempt(boot) ? this : this with { Attempts = Attempts + 1, AttemptBoot = boot };

    /// <summary>
    /// The same without the attempt in a boot: the kernel refused the module, or somebody stopped the machine in good order.
    /// Attempts of earlier boots count on, for nothing is known of the livepatch that was not known before.
    /// </summary>
    public BootLedger WithoutAttempt(string boot) =>
        HasAttempt(boot) ? this with { Attempts = Math.Max(0, Attempts - 1), AttemptBoot = null } : this;

    /// <summary>The same after a boot that lasted.</summary>
    public BootLedger Confirmed() => this with { Attempts = 0, AttemptBoot = null };

    // Without /proc a boot has no name, and cannot be told from the one before.
    private bool HasAttempt(string boot) => boot.Length > 0 && AttemptBoot == boot;
}
