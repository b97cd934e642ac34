using Elivepatch.Engine.Architectures;

namespace Elivepatch.Kernel.Architectures;

/// <summary>A processor, as far as who builds and boots kernels for it has to know it.</summary>
/// <param name="Engine">What the engine has to know.</param>
/// <param name="Machine">Its name at the machine, as <c>uname -m</c> prints it.</param>
/// <param name="SourceName">Its name in the kernel's source: <c>ARCH=</c>, and the folder in <c>arch/</c>.</param>
/// <param name="Target">What names of tools for it begin with: the target triplet of the GNU tools.</param>
/// <param name="ConfigurationName">The setting that only kernels for it have, without <c>CONFIG_</c>.</param>
public sealed record KernelArchitecture(Architecture Engine, string Machine, string SourceName, string Target, string ConfigurationName)
{
    /// <summary>The folder of its source, with a slash at the end.</summary>
    public string Folder => $"arch/{SourceName}/";

    /// <summary>Folder of the headers that the build makes of its own.</summary>
    public string GeneratedHeaders => $"arch/{SourceName}/include/generated";
}
