using System.Text;
using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>
/// The <c>struct module</c> that a module brings along and the names by which it starts (<c>include/linux/module.h</c>).
/// </summary>
internal static class ModuleStart
{
    /// <summary>The section that holds <c>struct module</c>.</summary>
    public const string Section = ".gnu.linkonce.this_module";

    /// <summary>The function that makes a livepatch effective.</summary>
    public const string EnableFunction = "klp_enable_patch";

    /// <summary>The function that the kernel calls when the module is loaded.</summary>
    public const string InitFunction = "init_module";

    /// <summary>Behind <c>state</c> and <c>list</c>, on every 64-bit machine.</summary>
    private const int NameOffset = 24;

    /// <summary>The name in <c>struct module</c>; null where there is none.</summary>
    public static string? NameOf(ElfObject elf, EntryLayouts? layouts)
    {
        var offset = layouts?.OffsetOf("module.name") ?? NameOffset;
        var content = elf.FindSection(Section)?.Content ?? [];
        if (offset < 0 || offset >= content.Length)
        {
            return null;
        }

        var bytes = content.AsSpan(offset, Math.Min(content.Length - offset, KernelLimits.ModuleName + 1));
        var length = bytes.IndexOf((byte)0);
        return length <= 0 ? null : Encoding.Latin1.GetString(bytes[..length]);
    }

    /// <summary>Gives the module another name.</summary>
    public static void Rename(ElfObject elf, string name, EntryLayouts? layouts)
    {
        var offset = layouts?.OffsetOf("module.name") ?? NameOffset;
        var content = elf.FindSection(Section)?.Content ?? [];
        if (offset < 0 || offset + KernelLimits.ModuleName + 1 > content.Length || name.Length > KernelLimits.ModuleName)
        {
            return;
        }

        content.AsSpan(offset, KernelLimits.ModuleName + 1).Clear();
        Encoding.Latin1.GetBytes(name, content.AsSpan(offset));
    }
}
