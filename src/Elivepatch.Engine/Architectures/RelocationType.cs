using Elivepatch.Elf;

namespace Elivepatch.Engine.Architectures;

/// <summary>How much of an address the field of a relocation has.</summary>
public enum RelocationPart
{
    /// <summary>All of it: the field determines its symbol.</summary>
    Whole,

    /// <summary>
    /// All but the low <see cref="RelocationType.PartBits"/> bits: the page of arm64's ADRP, the upper half of ppc64's
    /// <c>@ha</c>. With a field that has the low bits of the same address it determines its symbol.
    /// </summary>
    High,

    /// <summary>The low <see cref="RelocationType.PartBits"/> bits alone: by itself it only confirms its symbol.</summary>
    Low,
}

/// <summary>
/// One row of the relocation table of a processor's psABI: what the field of a relocation is, and how the value of its symbol is
/// found in it. A field is a number of <see cref="Size"/> bytes in the byte order of the file, of which the relocation changes
/// the bits of <see cref="Mask"/>; the others belong to the instruction around it.
/// </summary>
/// <param name="Number">The type's number, as it stands in r_info.</param>
/// <param name="Name">Its name, as the psABI writes it.</param>
public sealed record RelocationType(uint Number, string Name)
{
    /// <summary>Size in bytes of the number that the relocation changes; 0 where it changes none or is not known.</summary>
    public int Size { get; init; }

    /// <summary>The bits of that number that it changes: consecutive ones.</summary>
    public ulong Mask { get; init; }

    /// <summary>Whether the value counts from the place of the field (S + A - P) rather than from zero (S + A).</summary>
    public bool IsPcRelative { get; init; }

    /// <summary>Whether the bits are a signed number.</summary>
    public bool IsSigned { get; init; }

    /// <summary>How many low bits of the value the field leaves out: those that an aligned target does not have.</summary>
    public int Shift { get; init; }

    /// <summary>Which part of the address it has.</summary>
    public RelocationPart Part { get; init; }

    /// <summary>How many low bits of an address are those of the low part; 0 where the field has all of it.</summary>
    public int PartBits { get; init; }

    /// <summary>
    /// True where the high part is that of the address nearest to it, because the instruction that adds the low part takes it for
    /// signed (ppc64's <c>@ha</c>).
    /// </summary>
    public bool IsRounded { get; init; }

    /// <summary>True where its formula is known, so that the value can be found again in the field of a linked file.</summary>
    public bool IsKnown { get; init; }

    /// <summary>True for the type that marks a place and changes nothing.</summary>
    public bool IsNone { get; init; }

    /// <summary>True where the field alone says to which address the linker bound the symbol.</summary>
    public bool Determines => IsKnown && Size > 0 && Part == RelocationPart.Whole;

    /// <summary>True for that of the address of a datum: of the size of a pointer, from zero.</summary>
    public bool IsPointer => Determines && Size == sizeof(ulong) && !IsPcRelative && Mask == ulong.MaxValue;

    /// <summary>True for what instructions refer to other code and data by, relative to themselves.</summary>
    public bool IsShortRelative => Determines && IsPcRelative && Size == sizeof(uint);

    /// <summary>
    /// True where the two are written into one kind of field by one formula, whatever the assembler calls them.
    /// </summary>
    public bool IsLike(RelocationType other) =>
        Number == other.Number
        || (
            IsKnown
            && other.IsKnown
            && IsPcRelative
            && other.IsPcRelative
            && Size == other.Size
            && Mask == other.Mask
            && Shift == other.Shift
            && Part == other.Part
            && PartBits == other.PartBits
            && IsRounded == other.IsRounded
        );

    /// <summary>True where the whole of the field lies within so many bytes from an offset on.</summary>
    public bool FitsInto(ulong offset, ulong length) => offset <= length && length - offset >= (ulong)Size;

    /// <summary>
    /// The address to which the linker bound the symbol (S of the psABI), modulo 2^64; null where the field alone does not
    /// determine it.
    /// </summary>
    /// <param name="field">The field in the linked file.</param>
    /// <param name="order">The byte order of the file.</param>
    /// <param name="place">The address of the field.</param>
    /// <param name="addend">The relocation's addend.</param>
    public ulong? Solve(ReadOnlySpan<byte> field, ElfByteOrder order, ulong place, long addend) =>
        Determines ? unchecked(PartIn(field, order, place) - (ulong)addend) : null;

    /// <summary>
    /// What of the address of symbol and addend (S + A of the psABI) a field has; a high and a low part of one address add up to
    /// it.
    /// </summary>
    /// <param name="field">The field in the linked file.</param>
    /// <param name="order">The byte order of the file.</param>
    /// <param name="place">The address of the field.</param>
    public ulong PartIn(ReadOnlySpan<byte> field, ElfByteOrder order, ulong place) =>
        unchecked(ValueIn(field, order) + (IsPcRelative ? place & ~LowBits : 0));

    /// <summary>The part of an address that the linker takes for its field.</summary>
    public ulong PartOf(ulong address) =>
        Part switch
        {
            RelocationPart.High => unchecked(address + (IsRounded ? (LowBits >> 1) + 1 : 0)) & ~LowBits,
            RelocationPart.Low => IsSigned ? (ulong)((long)(address << (64 - PartBits)) >> (64 - PartBits)) : address & LowBits,
            _ => address,
        };

    /// <summary>
    /// The bits that the linker writes for a symbol and an addend at an address, as <see cref="ValueIn"/> reads them.
    /// </summary>
    public ulong ValueOf(ulong address, ulong place) => unchecked(PartOf(address) - (IsPcRelative ? place & ~LowBits : 0));

    /// <summary>The value in a field, sign-extended where it is signed.</summary>
    public ulong ValueIn(ReadOnlySpan<byte> field, ElfByteOrder order)
    {
        var low = System.Numerics.BitOperations.TrailingZeroCount(Mask);
        var unused = System.Numerics.BitOperations.LeadingZeroCount(Mask);
        var left = (Read(field, order) & Mask) << unused;
        return (IsSigned ? (ulong)((long)left >> (unused + low)) : left >> (unused + low)) << Shift;
    }

    /// <summary>Writes a value into a field and leaves its other bits.</summary>
    public void Write(Span<byte> field, ElfByteOrder order, ulong value)
    {
        var bits = ((value >> Shift) << System.Numerics.BitOperations.TrailingZeroCount(Mask)) & Mask;
        Store(field, order, (Read(field, order) & ~Mask) | bits);
    }

    /// <summary>Sets the bits of the field to zero, as an assembler leaves them.</summary>
    public void Clear(Span<byte> field, ElfByteOrder order)
    {
        if (Size > 0)
        {
            Write(field, order, 0);
        }
    }

    /// <summary>True where two fields differ in nothing but bits that it changes.</summary>
    public bool AreEqualOutside(ReadOnlySpan<byte> field, ReadOnlySpan<byte> other, ElfByteOrder order) =>
        Size is 0 or > sizeof(ulong) || ((Read(field, order) ^ Read(other, order)) & ~Mask & Container) == 0;

    /// <inheritdoc/>
    public override string ToString() => Name;

    // What a part of an address is cut by; nothing where the field has the whole.
    private ulong LowBits => Part == RelocationPart.Whole ? 0 : (1UL << PartBits) - 1;

    private ulong Container => ulong.MaxValue >> (8 * (sizeof(ulong) - Size));

    private ulong Read(ReadOnlySpan<byte> field, ElfByteOrder order) =>
        Size switch
        {
            sizeof(ulong) => order.ReadUInt64(field),
            sizeof(uint) => order.ReadUInt32(field),
            sizeof(ushort) => order.ReadUInt16(field),
            _ => field[0],
        };

    private void Store(Span<byte> field, ElfByteOrder order, ulong value)
    {
        switch (Size)
        {
            case sizeof(ulong):
                order.WriteUInt64(field, value);
                break;
            case sizeof(uint):
                order.WriteUInt32(field, (uint)value);
                break;
            case sizeof(ushort):
                order.WriteUInt16(field, (ushort)value);
                break;
            default:
                field[0] = (byte)value;
                break;
        }
    }
}
