using Elivepatch.Engine.Architectures;

namespace Elivepatch.Kernel.Architectures;

/// <summary>A processor, as far as who builds and boots kernels for it has to know it.</summary>
/// <param name="Engine">What the engine has to know.</param>
/// <param name="Machine">Its name at the machine, as <c>uname -m</c> prints it.</param>
/// <param name="SourceName">Its name in the kernel's source: <c>ARCH=</c>, and the folder in <c>arch/</c>.</param>
/// <param name="Target">What names of tools for it begin with: the target triplet of the GNU tools.</param>
/// <param name="DistributionName">Its name in Debian's packages.</param>
/// <param name="Option">The option that only kernels for it have set, without <c>CONFIG_</c>.</param>
/// <param name="LinkBase">The address at which <c>_text</c> of its kernels is linked with the usual configuration.</param>
/// <param name="Sources">What is in its folder of the source.</param>
/// <param name="BootImage">The form of its boot images.</param>
/// <param name="Emulator">What runs a kernel for it.</param>
public sealed record KernelArchitecture(
    Architecture Engine,
    string Machine,
    string SourceName,
    string Target,
    string DistributionName,
    string Option,
    ulong LinkBase,
    ArchitectureSources Sources,
    BootImageFormat BootImage,
    Emulator Emulator
)
{
    /// <summary>Folder of the headers that the build makes of its own.</summary>
    public string GeneratedHeaders => $"arch/{SourceName}/include/generated";
}

/// <summary>Paths in the kernel's source of what is no ordinary unit.</summary>
/// <param name="BootFolders">Code that has run before the kernel proper, or runs outside of it.</param>
/// <param name="VdsoFolders">Code of the image that is mapped into every process.</param>
/// <param name="BuildInputs">Texts from which the build makes tables.</param>
/// <param name="AnyAssembly">Assembly that every kernel is built from, for the flags of assembly.</param>
/// <param name="FeatureLists">Headers from whose lines the build makes names of processor features.</param>
/// <param name="Features">What the names in these lines begin with.</param>
public sealed record ArchitectureSources(
    IReadOnlyList<string> BootFolders,
    IReadOnlyList<string> VdsoFolders,
    IReadOnlyList<string> BuildInputs,
    string AnyAssembly,
    IReadOnlyList<string> FeatureLists,
    IReadOnlyList<string> Features
);

/// <summary>A virtual machine of one kind.</summary>
/// <param name="Program">The emulator.</param>
/// <param name="Package">The package that has it, as Debian names it.</param>
/// <param name="Machine">The board and the processor, in its words.</param>
/// <param name="Console">The serial line that the kernel writes to, as <c>console=</c> names it.</param>
/// <param name="KernelArguments">What the kernel has to be told besides, so that the emulator ends when the kernel does.</param>
public sealed record Emulator(
    string Program,
    string Package,
    IReadOnlyList<string> Machine,
    string Console,
    IReadOnlyList<string> KernelArguments
);
