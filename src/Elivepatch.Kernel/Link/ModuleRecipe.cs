namespace Elivepatch.Kernel.Link;

/// <summary>How kbuild makes a module for one kernel, as it was seen making one.</summary>
/// <param name="Compile">The compile command without names, input, output and forced includes; compiler first.</param>
/// <param name="Objtool">The objtool command without the object; null where this kernel runs none on modules.</param>
/// <param name="Modpost">The modpost command without the lists of objects and symbols.</param>
/// <param name="Link">The final link without inputs and output.</param>
/// <param name="ForcedIncludes">Headers that every unit includes first (<c>-include</c>), in order.</param>
/// <param name="Vermagic">The version text that the loader compares, as the kernel's own build writes it.</param>
public sealed record ModuleRecipe(
    IReadOnlyList<string> Compile,
    IReadOnlyList<string>? Objtool,
    IReadOnlyList<string> Modpost,
    IReadOnlyList<string> Link,
    IReadOnlyList<string> ForcedIncludes,
    string Vermagic
);
