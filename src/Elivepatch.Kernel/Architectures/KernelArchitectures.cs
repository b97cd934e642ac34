using Elivepatch.Engine.Architectures.X8664;

namespace Elivepatch.Kernel.Architectures;

/// <summary>The processors whose kernels can be built.</summary>
public static class KernelArchitectures
{
    /// <summary>x86-64.</summary>
    public static KernelArchitecture X8664 { get; } = new(X8664Architecture.Instance, "x86_64", "x86", "x86_64-linux-gnu", "X86_64");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<KernelArchitecture> All { get; } = [X8664];

    /// <summary>The one of a machine, by what <c>uname -m</c> prints there; null where it is not known.</summary>
    public static KernelArchitecture? Of(string? machine) => All.FirstOrDefault(a => a.Machine == machine);
}
