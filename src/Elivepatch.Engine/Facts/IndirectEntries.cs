// In: the running kernel's symbols and image. Out: which functions may be called through a pointer. With CONFIG_X86_KERNEL_IBT an
// indirect call traps unless it lands on ENDBR64. GCC leaves that out of a static function whose address nobody takes, and objtool lists
// in .ibt_endbr_seal every function whose address nothing in the linked kernel takes: apply_seal_endbr() in
// arch/x86/kernel/alternative.c overwrites theirs while the kernel starts.
using System.Buffers.Binary;

namespace Elivepatch.Engine.Facts;

/// <summary>The functions of the running kernel that an indirect call or jump may reach.</summary>
public sealed class IndirectEntries
{
    private const string SealSection = ".ibt_endbr_seal", SealSymbol = "__ibt_endbr_seal";

    private readonly KernelImage? image;
    private readonly HashSet<ulong> @sealed = [];

    /// <summary>Reads the kernel's list of sealed functions.</summary>
    /// <param name="symbols">Symbols of the running kernel.</param>
    /// <param name="image">Its linked image, or null.</param>
    public IndirectEntries(KernelSymbols symbols, KernelImage? image)
    {
        this.image = image;
        AreChecked = symbols.Vmlinux.Contains(SealSymbol);
        if (image?.FindSection(SealSection) is not { } section)
        {
            return;
        }

        // An array of 32-bit distances from the entry itself to the function.
        for (int at = 0; at + sizeof(int) <= section.Content.Length; at += sizeof(int))
        {
            @sealed.Add(unchecked(section.Address + (ulong)at + (ulong)BinaryPrimitives.ReadInt32LittleEndian(section.Content.AsSpan(at))));
        }
    }

    /// <summary>True where the kernel was built for indirect branch tracking (<c>CONFIG_X86_KERNEL_IBT</c>).</summary>
    public bool AreChecked { get; }

    /// <summary>
    /// Whether an indirect call of this address of the running kernel is allowed on a processor that tracks indirect branches; null
    /// where only the image could tell and there is none.
    /// </summary>
    public bool? MayReach(ulong running)
    {
        if (!AreChecked)
        {
            return true;
        }

        if (image is null)
        {
            return null;
        }

        ReadOnlySpan<byte> endbr64 = [0xf3, 0x0f, 0x1e, 0xfa];
        ulong link = image.ToLink(running);
        return image.BytesFrom(link).StartsWith(endbr64) && !@sealed.Contains(link);
    }
}
