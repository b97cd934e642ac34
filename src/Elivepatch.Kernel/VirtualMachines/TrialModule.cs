using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>A livepatch module to be tried.</summary>
/// <param name="Name">The name that the kernel will know it by.</param>
/// <param name="Content">The bytes of the module.</param>
/// <param name="IsKept">True where it keeps itself in memory, so that it must not be possible to unload it.</param>
internal sealed record TrialModule(string Name, byte[] Content, bool IsKept = false)
{
    /// <summary>Names of the modules that it patches.</summary>
    public IReadOnlyList<string> Patches { get; init; } = [];

    private const long Largest = 256 << 20;

    /// <summary>Reads modules.</summary>
    public static Outcome<IReadOnlyList<TrialModule>> ReadAll(IReadOnlyList<string> paths)
    {
        var modules = new List<TrialModule>();
        foreach (var path in paths)
        {
            var read = Read(path);
            if (!read.TryGet(out var module))
            {
                return Outcome<IReadOnlyList<TrialModule>>.Failure(read.Problems);
            }

            modules.Add(module);
        }
        return modules;
    }

    private static Outcome<TrialModule> Read(string path)
    {
        if (!File.Exists(path))
        {
            return new Problem(VirtualMachineProblems.TrialInvalid, $"there is no module {path}");
        }

        if (new FileInfo(path).Length > Largest)
        {
            return new Problem(VirtualMachineProblems.TrialInvalid, $"{path} is larger than {Largest >> 20} MiB");
        }

        var content = File.ReadAllBytes(path);
        try
        {
            var elf = ElfReader.Read(content);
            var name = ModuleInformation.Of(elf).Name;
            return
                name is not null
                && name.Length is > 0 and <= KernelLimits.ModuleName
                && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')
                ? AsLivepatch(name, content, elf)
                : new Problem(VirtualMachineProblems.TrialInvalid, $"{path} has no name= in its .modinfo that a module can have");
        }
        catch (ElfFormatException e)
        {
            return new Problem(VirtualMachineProblems.TrialInvalid, $"{path} is not a kernel module: {e.Message}");
        }
    }

    // What cannot be read as a livepatch is for the kernel to judge.
    private static TrialModule AsLivepatch(string name, byte[] content, ElfObject elf) =>
        LivepatchModule.Read(elf).TryGet(out var module)
            ? new(name, content, Retention.Of(elf, module).State == RetentionState.Kept)
            {
                Patches = [.. module.Objects.Select(o => o.Name).OfType<string>()],
            }
            : new(name, content);
}
