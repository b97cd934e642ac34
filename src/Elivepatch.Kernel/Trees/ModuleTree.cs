using Elivepatch.Kernel.Architectures;
using Elivepatch.Kernel.Processes;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Trees;

/// <summary>
/// The source of a module that is built outside of the kernel's tree (<c>make -C TREE M=DIR</c>), read-only. Inside a sandbox it
/// lies where it lay when the installed module was compiled: strings of the module may have that path.
/// </summary>
public sealed record ModuleTree : SourceTree
{
    private readonly IReadOnlyList<string> variables;

    internal ModuleTree(
        ContentDigest key,
        string folder,
        PreparedTree kernel,
        string root,
        IReadOnlyList<string> variables,
        string name
    )
        : base(key, folder)
    {
        (Kernel, Root, this.variables) = (kernel, root, variables);
        Title = $"the module's source {name}";
        BuildRules = $"the Kbuild of {name}";
    }

    /// <inheritdoc/>
    public override PreparedTree Kernel { get; }

    /// <inheritdoc/>
    public override KernelArchitecture Architecture => Kernel.Architecture;

    /// <inheritdoc/>
    public override string Title { get; }

    /// <inheritdoc/>
    public override string BuildRules { get; }

    /// <inheritdoc/>
    public override string Root { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<SandboxBind> Binds => [.. Kernel.Binds, new(Folder, Root)];

    /// <inheritdoc/>
    /// <remarks>The kernel's come last: of two of a name make takes the last one.</remarks>
    public override IReadOnlyList<string> MakeVariables => [.. variables, .. Kernel.MakeVariables, $"M={Root}"];

    /// <inheritdoc/>
    public override IReadOnlyList<string> DebugOptions => [$"-fdebug-prefix-map={Root}/="];

    /// <inheritdoc/>
    public override IEnumerable<string> CodeFolders => [Folder];

    /// <inheritdoc/>
    public override bool HasAllIncluders => false;

    /// <inheritdoc/>
    public override IReadOnlyList<SandboxBind> BindsForKbuild(string scratch)
    {
        SourceFolderCopy.Copy(Folder, scratch);
        return [.. Kernel.Binds, new(scratch, Root, Writable: true)];
    }

    /// <inheritdoc/>
    /// <remarks>Debug information has paths of the kernel's headers, and the module's may be the same.</remarks>
    public override bool IsAmbiguous(string path) => Kernel.HasFile(path);
}
