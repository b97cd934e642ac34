using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Targets;
using Elivepatch.Model;
using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Import;

/// <summary>
/// Which modules belong to a kernel: those that say its release and, where the machine had loaded one of the name, have the
/// build-id of that one. A module that was built out of tree under the same name is another module.
/// </summary>
/// <param name="architecture">The kernel's processor.</param>
/// <param name="release">The kernel's release.</param>
/// <param name="loaded">Modules that were loaded when it was captured.</param>
internal sealed class ModuleIdentity(Architecture architecture, string release, IReadOnlyList<LoadedModule> loaded)
{
    /// <summary>Opens a module's file.</summary>
    /// <param name="called">What it is called in messages.</param>
    /// <param name="name">The name that it must have, as the kernel calls it; null for whatever the file says.</param>
    /// <param name="file">The file, uncompressed.</param>
    public Outcome<ModuleTarget> Open(string called, string? name, ReadOnlyMemory<byte> file)
    {
        try
        {
            var elf = ElfReader.Read(file.ToArray());
            var information = ModuleInformation.Of(elf);
            if ((name ?? information.Name) is not { Length: > 0 and <= KernelLimits.ModuleName } expected)
            {
                return new Problem(RecordProblems.ModuleUnreadable, $"{called}: it has no name= in its .modinfo");
            }

            if (information.Name is { } own && own != expected)
            {
                return new Problem(RecordProblems.ModuleUnreadable, $"{called}: the file is of a module that is called {own}");
            }

            if (information.Vermagic?.Split(' ')[0] is { } builtFor && builtFor != release)
            {
                return new Problem(
                    RecordProblems.ModuleContradicts,
                    $"{called}: the file is for {builtFor}, the kernel is {release}"
                );
            }

            return ModuleTarget
                .Open(architecture, expected, elf)
                .Then<ModuleTarget>(target => CheckLoaded(target) is { } problem ? problem : target);
        }
        catch (ElfFormatException e)
        {
            return new Problem(RecordProblems.ModuleUnreadable, $"{called}: {e.Message}");
        }
    }

    private Problem? CheckLoaded(ModuleTarget module) =>
        loaded.FirstOrDefault(m => m.Name == module.ObjectName)?.BuildId is { } running
        && module.BuildId is { } own
        && !string.Equals(own, running, StringComparison.OrdinalIgnoreCase)
            ? new(
                RecordProblems.ModuleContradicts,
                $"{module}: the file has build-id {own}, the module that was loaded when the kernel was captured {running}"
            )
            : null;
}
