// In: the running kernel's symbols and image. Out: which functions may be called through a pointer. Where the processor tracks
// indirect branches, such a call traps unless it lands on a mark. A compiler leaves that out of a static function whose address
// nobody takes, and the kernel takes it away, while it starts, from every function whose address nothing in the linked kernel
// takes.
using System.Collections.Concurrent;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Facts;

/// <summary>The functions of the running kernel and of its modules that an indirect call or jump may reach.</summary>
public sealed class IndirectEntries
{
    private readonly Architecture architecture;
    private readonly ConcurrentDictionary<KernelImage, HashSet<ulong>> lists = [];

    /// <summary>Asks the kernel whether it was built for such a processor.</summary>
    /// <param name="architecture">The processor.</param>
    /// <param name="symbols">Symbols of the running kernel.</param>
    public IndirectEntries(Architecture architecture, KernelSymbols symbols)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        this.architecture = architecture;
        AreChecked = architecture.IndirectCalls.SealSymbol is { } seal && symbols.Vmlinux.Contains(seal);
    }

    /// <summary>True where the kernel was built for a processor that tracks indirect branches.</summary>
    public bool AreChecked { get; }

    /// <summary>
    /// Whether an indirect call of a function is allowed on a processor that tracks indirect branches; null where only the image
    /// could tell and there is none.
    /// </summary>
    /// <param name="image">The image of the object that has the function.</param>
    /// <param name="running">The function's address.</param>
    public bool? MayReach(KernelImage? image, ulong running)
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
        return image.BytesFrom(link).StartsWith(architecture.IndirectCalls.Mark.Span)
            && !lists.GetOrAdd(image, SealedOf).Contains(link);
    }

    // The list of sealed functions is an array of 32-bit distances from the entry itself to the function.
    private HashSet<ulong> SealedOf(KernelImage image)
    {
        var found = new HashSet<ulong>();
        if (architecture.IndirectCalls.SealSection is not { } name || image.FindSection(name) is not { } section)
        {
            return found;
        }

        for (var at = 0; at + sizeof(int) <= section.Content.Length; at += sizeof(int))
        {
            var distance = (int)architecture.Order.ReadUInt32(section.Content.AsSpan(at));
            found.Add(unchecked(section.Address + (ulong)at + (ulong)distance));
        }

        return found;
    }
}
