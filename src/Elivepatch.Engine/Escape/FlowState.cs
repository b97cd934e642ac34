using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Escape;

/// <summary>What registers and the stack frame may hold before one instruction.</summary>
internal sealed class FlowState
{
    private readonly CallingConvention calls;
    private readonly AddressValue[] registers;
    private readonly Dictionary<long, AddressValue> slots = [];

    /// <summary>What was stored in the frame at a place that is not known.</summary>
    private AddressValue anywhere = AddressValue.Other;

    private FlowState(CallingConvention calls)
    {
        this.calls = calls;
        registers = new AddressValue[calls.Registers];
    }

    /// <summary>
    /// Where the kernel was given an address in the frame, so that it may read what is stored there from then on: all of it from
    /// this offset up. Below lie arguments that are pushed later. Null where no address was given away.
    /// </summary>
    public long? SharedFrom { get; set; }

    /// <summary>True where a function of the module was given an address in the frame.</summary>
    public bool IsFrameLent { get; set; }

    /// <summary>True where on every path here the module has taken a reference to itself.</summary>
    public bool HoldsModule { get; set; }

    public AddressValue this[int register]
    {
        get => registers[register];
        set
        {
            registers[register] = value;
            if (register == calls.StackPointer)
            {
                Drop();
            }
        }
    }

    /// <summary>The stack pointer.</summary>
    public AddressValue Stack
    {
        get => registers[calls.StackPointer];
        set => this[calls.StackPointer] = value;
    }

    /// <summary>What the frame holds, by offset; null for what lies at a place that is not known.</summary>
    public IEnumerable<(long? Offset, AddressValue Value)> Frame =>
        slots.Select(s => ((long?)s.Key, s.Value)).Append((null, anywhere));

    /// <summary>At the entry of a function; null where the place in the frame is not known either.</summary>
    public static FlowState Entry(CallingConvention calls, long? stack = 0)
    {
        var state = new FlowState(calls);
        Array.Fill(state.registers, AddressValue.Other);
        state.Stack = AddressValue.Stack(stack);
        return state;
    }

    public FlowState Copy()
    {
        var copy = new FlowState(calls)
        {
            anywhere = anywhere,
            SharedFrom = SharedFrom,
            IsFrameLent = IsFrameLent,
            HoldsModule = HoldsModule,
        };
        registers.CopyTo(copy.registers, 0);
        foreach (var (offset, value) in slots)
        {
            copy.slots[offset] = value;
        }

        return copy;
    }

    /// <summary>What 8 bytes of the frame may hold; null for an unknown place.</summary>
    public AddressValue LoadSlot(long? offset)
    {
        var found = anywhere;
        if (offset is { } known && slots.TryGetValue(known, out var exact))
        {
            return anywhere.IsPlain ? exact : exact.Join(anywhere);
        }

        foreach (var (at, value) in slots)
        {
            if (offset is null || Math.Abs(at - offset.Value) < 8)
            {
                found = found.Join(value);
            }
        }

        return found;
    }

    /// <summary>Stores in the frame.</summary>
    public void StoreSlot(long? offset, AddressValue value, bool isWhole)
    {
        if (offset is { } known && isWhole)
        {
            if (value.IsPlain)
            {
                slots.Remove(known);
            }
            else
            {
                slots[known] = value;
            }
        }
        else if (!value.IsPlain)
        {
            anywhere = anywhere.Join(value);
        }
    }

    // The kernel has no red zone (-mno-red-zone): what lies below the stack pointer is gone with the next interrupt.
    private void Drop()
    {
        if (Stack is not { StackOffset: { } top, MayBeOther: false })
        {
            return;
        }

        foreach (var offset in slots.Keys.Where(o => o < top).ToList())
        {
            slots.Remove(offset);
        }
    }

    /// <summary>Joins what another path brings; true where that is news.</summary>
    public bool Join(FlowState with)
    {
        var isNews = false;
        for (var i = 0; i < registers.Length; i++)
        {
            registers[i] = Joined(registers[i], with.registers[i], ref isNews);
        }

        anywhere = Joined(anywhere, with.anywhere, ref isNews);
        foreach (var (offset, value) in with.slots)
        {
            var old = slots.GetValueOrDefault(offset, AddressValue.Other);
            slots[offset] = Joined(old, value, ref isNews);
        }

        foreach (var offset in slots.Keys.Where(o => !with.slots.ContainsKey(o)).ToList())
        {
            slots[offset] = Joined(slots[offset], AddressValue.Other, ref isNews);
        }

        if (with.SharedFrom is { } from && !(SharedFrom <= from))
        {
            (SharedFrom, isNews) = (from, true);
        }

        if (with.IsFrameLent && !IsFrameLent)
        {
            (IsFrameLent, isNews) = (true, true);
        }

        if (!with.HoldsModule && HoldsModule)
        {
            (HoldsModule, isNews) = (false, true);
        }

        return isNews;
    }

    private static AddressValue Joined(AddressValue old, AddressValue with, ref bool isNews)
    {
        var joined = old.Join(with);
        isNews |= !joined.SameAs(old);
        return joined;
    }
}
