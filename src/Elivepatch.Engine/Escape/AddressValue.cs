using System.Collections.Immutable;

namespace Elivepatch.Engine.Escape;

/// <summary>
/// What a register or a stack slot may hold. Values only grow where paths meet: an address that one path brings may be there.
/// </summary>
internal sealed class AddressValue
{
    private AddressValue(ImmutableHashSet<OwnAddress> own, bool isStack, long? stackOffset, bool mayBeOther)
    {
        Own = own;
        IsStack = isStack;
        StackOffset = isStack ? stackOffset : null;
        MayBeOther = mayBeOther;
    }

    /// <summary>Anything that is no address of the module.</summary>
    public static AddressValue Other { get; } = new([], false, null, true);

    /// <summary>Addresses of the module that it may be, or be made of.</summary>
    public ImmutableHashSet<OwnAddress> Own { get; }

    /// <summary>True where it may be an address in the function's stack frame.</summary>
    public bool IsStack { get; }

    /// <summary>
    /// That address, in bytes from where the stack pointer was at the function's entry; null where it is not known.
    /// </summary>
    public long? StackOffset { get; }

    /// <summary>True where it may be something else.</summary>
    public bool MayBeOther { get; }

    /// <summary>True for a place in the frame that is known.</summary>
    public bool IsKnownSlot => IsStack && !MayBeOther && Own.IsEmpty && StackOffset is not null;

    /// <summary>True where it holds nothing that must be followed.</summary>
    public bool IsPlain => Own.IsEmpty && !IsStack;

    public static AddressValue Of(OwnAddress address) => new([address], false, null, false);

    public static AddressValue OneOf(IEnumerable<OwnAddress> addresses)
    {
        var own = addresses.ToImmutableHashSet();
        return own.IsEmpty ? Other : new(own, false, null, true);
    }

    /// <summary>A place in the stack frame.</summary>
    public static AddressValue Stack(long? offset) => new([], true, offset, false);

    /// <summary>What may be there where two paths meet.</summary>
    public AddressValue Join(AddressValue with)
    {
        if (ReferenceEquals(this, with))
        {
            return this;
        }

        var own = with.Own.IsSubsetOf(Own) ? Own : Own.Union(with.Own);
        var isStack = IsStack || with.IsStack;
        var offset =
            IsStack && with.IsStack ? (StackOffset == with.StackOffset ? StackOffset : null) : StackOffset ?? with.StackOffset;
        var mayBeOther = MayBeOther || with.MayBeOther;
        return ReferenceEquals(own, Own) && isStack == IsStack && offset == StackOffset && mayBeOther == MayBeOther
            ? this
            : new(own, isStack, offset, mayBeOther);
    }

    /// <summary>The result of arithmetic: whatever of the two is an address still leads into what it led into.</summary>
    public AddressValue Combine(AddressValue with) =>
        this switch
        {
            { IsPlain: true } when with.IsPlain => Other,
            _ when with.IsPlain => IsStack ? new(Own, true, null, MayBeOther) : this,
            { IsPlain: true } => with.Combine(this),
            _ => new(Own.Union(with.Own), IsStack || with.IsStack, null, true),
        };

    /// <summary>The same or a place further on in it.</summary>
    public AddressValue Widen() => StackOffset is null ? this : new(Own, IsStack, null, MayBeOther);

    /// <summary>The value this many bytes further.</summary>
    public AddressValue Add(long bytes) =>
        StackOffset is { } offset ? new(Own, IsStack, unchecked(offset + bytes), MayBeOther) : this;

    public bool SameAs(AddressValue other) =>
        ReferenceEquals(this, other)
        || (
            IsStack == other.IsStack
            && StackOffset == other.StackOffset
            && MayBeOther == other.MayBeOther
            && Own.SetEquals(other.Own)
        );
}
