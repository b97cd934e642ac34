namespace Elivepatch.Engine.Facts;

/// <summary>What the running kernel does with the memory at an address.</summary>
public enum MemoryKind
{
    /// <summary>Nothing says what lies there.</summary>
    Unknown,

    /// <summary>Instructions that stay.</summary>
    Code,

    /// <summary>Constants: never written.</summary>
    Constant,

    /// <summary>Written while the kernel starts and read-only ever after (<c>__ro_after_init</c>).</summary>
    ReadOnlyAfterInit,

    /// <summary>Variables.</summary>
    Data,

    /// <summary>The template of the per-processor area: an address here is an offset, not a place to read or write.</summary>
    PerCpu,

    /// <summary>Code and data of the start, freed before the first process runs.</summary>
    Init,
}
