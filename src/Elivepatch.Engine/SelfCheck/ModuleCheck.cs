// In: the bytes of a finished module and the record of the kernel that is to load it. Out: the module, or every rule that it
// breaks. A module gets its final name only after this.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>The pipeline's last look at a module of its own.</summary>
public static class ModuleCheck
{
    /// <summary>Reads a finished module again, from the bytes that are to be published, and checks every rule.</summary>
    public static Outcome<LivepatchModule> Run(
        byte[] file,
        KernelSymbols symbols,
        ExportedSymbols exports,
        string vermagic,
        EntryLayouts layouts,
        KernelImage? image = null,
        IReadOnlyCollection<ModuleTarget>? modules = null
    )
    {
        ElfObject elf;
        try
        {
            elf = ElfReader.Read(file);
        }
        catch (ElfFormatException exception)
        {
            return new Problem(SelfCheckProblems.NotALivepatch, exception.Message);
        }

        return Run(elf, symbols, exports, vermagic, layouts, image, modules: modules);
    }

    /// <summary>Checks every rule.</summary>
    public static Outcome<LivepatchModule> Run(
        ElfObject elf,
        KernelSymbols symbols,
        ExportedSymbols exports,
        string vermagic,
        EntryLayouts layouts,
        KernelImage? image = null,
        Architecture? architecture = null,
        IReadOnlyCollection<ModuleTarget>? modules = null
    ) =>
        LivepatchModule
            .Read(elf, layouts, architecture)
            .Then(module =>
            {
                var problems = ModuleRules
                    .Check(elf, module, new(symbols, exports, vermagic, layouts, image, modules))
                    .Select(r => r.Problem)
                    .OfType<Problem>()
                    .ToList();
                return problems.Count == 0 ? module : Outcome<LivepatchModule>.Failure(problems);
            });
}
