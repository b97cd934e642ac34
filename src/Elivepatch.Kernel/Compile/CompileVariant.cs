namespace Elivepatch.Kernel.Compile;

/// <summary>What an object is compiled for.</summary>
public enum CompileVariant
{
    /// <summary>As the running kernel's own build compiled it, to be compared with the kernel.</summary>
    AsBuilt,

    /// <summary>Unpatched, one section for every function and datum, to be compared with <see cref="After"/>.</summary>
    Before,

    /// <summary>Patched, one section for every function and datum.</summary>
    After,
}
