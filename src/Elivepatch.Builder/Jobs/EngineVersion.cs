using System.Reflection;
using Elivepatch.Kernel.Build;

namespace Elivepatch.Builder.Jobs;

/// <summary>The engine that builds here.</summary>
public static class EngineVersion
{
    /// <summary>Its version, as in its assembly. Servers and their workers have the same.</summary>
    public static string Current { get; } =
        typeof(LivepatchBuild).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
}
