using System.Text.Json.Serialization;
using Elivepatch.Kernel.Trees;

namespace Elivepatch.Kernel.Compile;

/// <summary>How kbuild compiles one unit.</summary>
/// <param name="Unit">The source file, by path in its source tree.</param>
/// <param name="ObjectPath">The object that the build would write, by path in the source tree.</param>
/// <param name="Arguments">
/// The command, compiler first; without the output, the input, and what writes dependency files.
/// </param>
/// <param name="IsModule">The unit is compiled for a module (<c>-DMODULE</c>).</param>
/// <param name="ModName">The module's name (<c>KBUILD_MODNAME</c>); null where the unit goes into several.</param>
/// <param name="ModFile">The module's path in the tree without suffix (<c>KBUILD_MODFILE</c>), or null.</param>
public sealed record CompileCommand(
    string Unit,
    string ObjectPath,
    IReadOnlyList<string> Arguments,
    bool IsModule,
    string? ModName,
    string? ModFile
)
{
    /// <summary>
    /// What kbuild writes before the path of the source file: a module that is built outside of the kernel's tree has an absolute
    /// path there.
    /// </summary>
    public string SourcePrefix { get; init; } = "";

    /// <summary>The source file as the compiler gets it, which is what <c>__FILE__</c> starts from.</summary>
    [JsonIgnore]
    public string SourceName => SourcePrefix + Unit;

    /// <summary>Where kbuild runs the compiler.</summary>
    public string WorkingDirectory { get; init; } = PreparedTree.InsidePath;

    /// <summary>Name of the module that the unit becomes part of; null for a unit of vmlinux, or of several modules.</summary>
    [JsonIgnore]
    public string? ModuleName => IsModule ? ModName : null;

    /// <summary>True where one object is linked into several modules.</summary>
    [JsonIgnore]
    public bool IsInSeveralModules => IsModule && ModName is null;
}
