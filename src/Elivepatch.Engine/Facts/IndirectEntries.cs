// In: the running kernel's symbols and image. Out: which functions may be called through a pointer. Where the processor tracks
// indirect branches, such a call traps unless it lands on a mark. A compiler leaves that out of a static function whose address
// nobody takes, and the kernel takes it away, while it starts, from every function whose address nothing in the linked kernel
// takes.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Facts;

/// <summary>The functions of the running kernel that an indirect call or jump may reach.</summary>
public sealed class IndirectEntries
{
    private readonly KernelImage? image;
    private readonly IndirectCalls calls;
    private readonly HashSet<ulong> @sealed = [];

    /// <summary>Reads the kernel's list of sealed functions.</summary>
    /// <param name="architecture">The processor.</param>
    /// <param name="symbols">Symbols of the running kernel.</param>
    /// <param name="image">Its linked image, or null.</param>
    public IndirectEntries(Architecture architecture, KernelSymbols symbols, KernelImage? image)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        calls = architecture.IndirectCalls;
        this.image = image;
        AreChecked = calls.SealSymbol is { } seal && symbols.Vmlinux.Contains(seal);
        if (calls.SealSection is not { } name || image?.FindSection(name) is not { } section)
        {
            return;
        }

        // An array of 32-bit distances from the entry itself to the function.
        for (var at = 0; at + sizeof(int) <= section.Content.Length; at += sizeof(int))
        {
            var distance = (int)architecture.Order.ReadUInt32(section.Content.AsSpan(at));
            @sealed.Add(unchecked(section.Address + (ulong)at + (ulong)distance));
        }
    }

    /// <summary>True where the kernel was built for a processor that tracks indirect branches.</summary>
    public bool AreChecked { get; }

    /// <summary>
    /// Whether an indirect call of this address of the running kernel is allowed on a processor that tracks indirect branches;
    /// null where only the image could tell and there is none.
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

        var link = image.ToLink(running);
        return image.BytesFrom(link).StartsWith(calls.Mark.Span) && !@sealed.Contains(link);
    }
}
