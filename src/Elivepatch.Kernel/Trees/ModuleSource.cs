namespace Elivepatch.Kernel.Trees;

/// <summary>The source of a module that is built outside of the kernel's tree, as somebody names it.</summary>
/// <param name="Folder">The source in its build layout: a Kbuild or Makefile with <c>obj-m</c> at its top.</param>
/// <param name="BuildPath">
/// The folder in which the installed module was compiled; null for that of <c>dkms.conf</c>, or else that of the module's debug
/// information, or else the source's own.
/// </param>
/// <param name="MakeVariables">
/// Variables that it was made with, as <c>KEY=VALUE</c>; null for those of <c>dkms.conf</c>, where there is one.
/// </param>
public sealed record ModuleSource(string Folder, string? BuildPath, IReadOnlyList<string>? MakeVariables);
