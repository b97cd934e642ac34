namespace Elivepatch.Kernel.Architectures;

/// <summary>A kernel as a boot image carries it.</summary>
/// <param name="Content">What has to be decompressed.</param>
/// <param name="HasSizeAppended">
/// True where the build put the size of what comes out behind it, in four bytes (<c>size_append</c> of
/// <c>scripts/Makefile.lib</c>; not with gzip, which has it itself).
/// </param>
public sealed record CompressedKernel(ReadOnlyMemory<byte> Content, bool HasSizeAppended);

/// <summary>The form of the file that a boot loader loads.</summary>
public abstract class BootImageFormat
{
    /// <summary>What people call it, with what it has to have.</summary>
    public abstract string Name { get; }

    /// <summary>The kernel in an image; null where it is not of this form.</summary>
    public abstract CompressedKernel? Find(ReadOnlyMemory<byte> image);
}
