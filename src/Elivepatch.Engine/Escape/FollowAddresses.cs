// A data flow over the instructions of all functions: which registers and stack slots may hold an address of the module, along
// every path. An address begins where an instruction makes it (an immediate, lea) or loads it from data of the module that hold
// it. It spreads through registers, arithmetic and the stack frame, through calls to functions of the module and back from them,
// and into the module's own data, which hold it from then on. It ends where it is overwritten. What is not understood spreads it
// from all that an instruction reads to all that it writes. Nothing is said about what the kernel does with it afterwards: that
// is Escapes' part.
using Elivepatch.Elf;
using Iced.Intel;

namespace Elivepatch.Engine.Escape;

/// <summary>Follows the addresses of a module through its code.</summary>
internal sealed class FollowAddresses(ModuleAddresses addresses, ModuleCode code, Func<CodePlace, bool> isPatched)
{
    // Far more than any livepatch needs; a hostile module ends here and is taken for one whose addresses escape.
    private const int MostSteps = 20_000_000;

    private const int Rax = 0, Rcx = 1, Rdx = 2, Rsp = 4, Rbp = 5, Rsi = 6, Rdi = 7, R8 = 8, R9 = 9;
    private static readonly int[] arguments = [Rdi, Rsi, Rdx, Rcx, R8, R9];

    private readonly InstructionInfoFactory information = new();
    private readonly Dictionary<(OwnAddress, EscapeWay, string Function), AddressEscape> escapes = [];
    private readonly Dictionary<CodePlace, AddressValue[]> passed = [];
    private readonly Dictionary<CodePlace, AddressValue> returned = [];
    private readonly HashSet<CodePlace> visited = [];
    private readonly ILookup<ElfSection, ulong> labels = addresses.Labels.ToLookup(l => l.Section, l => l.Offset);
    private CodeFunction current = new("", default, 0);
    private CodeInstruction at = code.Instructions.FirstOrDefault()!;
    private bool isNews;
    private int steps;

    /// <summary>What escapes, by place.</summary>
    public IReadOnlyCollection<AddressEscape> Escapes => escapes.Values;

    /// <summary>True where the code was too much to be followed.</summary>
    public bool IsExhausted => steps > MostSteps;

    /// <summary>
    /// Whether the module has a reference to itself wherever it enables its livepatch; null where it enables none.
    /// </summary>
    public bool? HoldsModule { get; private set; }

    /// <summary>Runs until nothing new is found.</summary>
    public void Run()
    {
        do
        {
            isNews = false;
            foreach (var function in code.Functions.Where(f => !f.IsCold))
                Run(function, function.Entry, Entry(function));

            // What no path reached, a jump that nobody understands may.
            foreach (var function in code.Functions.Where(f => f.IsCold && !visited.Contains(f.Entry)).ToList())
                Run(function, function.Entry, FlowState.Entry(stack: null));
            foreach (var instruction in code.Instructions.Where(i => !visited.Contains(i.Place)).ToList())
            {
                if (!visited.Contains(instruction.Place))
                    Run(FunctionOf(instruction.Place), instruction.Place, FlowState.Entry(stack: null));
            }
        }
        while (isNews && !IsExhausted);
    }

    private CodeFunction FunctionOf(CodePlace place) =>
        code.Functions.First(f => f.Entry.Section == place.Section && f.Entry.Offset <= place.Offset && place.Offset < f.End);

    private FlowState Entry(CodeFunction function)
    {
        var state = FlowState.Entry();
        if (passed.TryGetValue(function.Entry, out var values))
        {
            for (var i = 0; i < arguments.Length; i++)
                state[arguments[i]] = values[i];
        }

        return state;
    }

    // States are kept where paths can meet: at the targets of jumps. Between them one state is carried on.
    private void Run(CodeFunction function, CodePlace start, FlowState entry)
    {
        current = function;
        var known = new Dictionary<CodePlace, FlowState> { [start] = entry };
        var open = new Stack<CodePlace>([start]);
        while (open.TryPop(out var place))
        {
            var state = known[place].Copy();
            for (var next = code.At(place); next is not null && !IsExhausted; next = code.At(next.Next))
            {
                if (next.Place != place && known.TryGetValue(next.Place, out var met))
                {
                    Meet(next.Place, state);
                    break;
                }

                steps++;
                at = next;
                visited.Add(next.Place);
                foreach (var target in code.TableJumps(next.Place))
                    Meet(target, state);
                if (!Step(state, next, Meet))
                    break;

                // What lies behind a call that never returns, or behind padding, is another function.
                if (code.FunctionAt(next.Next) is not null)
                    break;
                if (next.Code.FlowControl is not (FlowControl.Next or FlowControl.Call or FlowControl.IndirectCall))
                {
                    Meet(next.Next, state);
                    break;
                }
            }
        }

        void Meet(CodePlace to, FlowState state)
        {
            if (known.TryGetValue(to, out var before))
            {
                if (before.Join(state))
                    open.Push(to);
            }
            else if (code.At(to) is not null)
            {
                known[to] = state.Copy();
                open.Push(to);
            }
        }
    }

    // Takes one instruction; false where what lies behind it is not reached from it.
    private bool Step(FlowState state, CodeInstruction instruction, Action<CodePlace, FlowState> meet)
    {
        switch (instruction.Code.FlowControl)
        {
            case FlowControl.Call:
                Call(state, instruction.Target, instruction.External);
                return true;
            case FlowControl.IndirectCall:
                Call(state, null, null);
                return true;
            case FlowControl.Return:
                Return(state);
                return false;
            case FlowControl.ConditionalBranch:
                Jump(state, instruction, meet);
                return true;
            case FlowControl.UnconditionalBranch:
                Jump(state, instruction, meet);
                return false;
            case FlowControl.IndirectBranch:
                JumpThroughPointer(state, meet);
                return false;
            default:
                Compute(state, instruction);
                return true;
        }
    }

    private void Jump(FlowState state, CodeInstruction instruction, Action<CodePlace, FlowState> meet)
    {
        if (instruction.Target is { } target)
        {
            if (code.FunctionAt(target) is { IsCold: false } callee)
                TailCall(state.Copy(), callee);
            else
                meet(target, state);
        }
        else if (KnownCallees.IsReturnThunk(instruction.External))
        {
            Return(state);
        }
        else if (KnownCallees.IsIndirectThunk(instruction.External))
        {
            JumpThroughPointer(state, meet);
        }
        else
        {
            Call(state.Copy(), null, instruction.External);
        }
    }

    private void TailCall(FlowState state, CodeFunction callee)
    {
        Call(state, callee.Entry, null);
        Return(state);
    }

    private void JumpThroughPointer(FlowState state, Action<CodePlace, FlowState> meet)
    {
        foreach (var label in labels[at.Place.Section])
            meet(new(at.Place.Section, label), state);
        Call(state.Copy(), null, null);
    }

    private void Call(FlowState state, CodePlace? own, string? name)
    {
        if (KnownCallees.IsFtraceEntry(name))
            return;
        if (own is { } place && code.FunctionAt(place) is not null)
        {
            CallOwn(state, place);
            return;
        }

        if (name == SelfCheck.ModuleStart.EnableFunction)
            HoldsModule = (HoldsModule ?? true) && state.HoldsModule;
        if (KnownCallees.TakesReference(name) && state[Rdi] is { MayBeOther: false, IsStack: false } to && to.Own.All(o => o.IsThisModule))
            state.HoldsModule = true;
        else if (name == "module_put")
            state.HoldsModule = false;
        if (KnownCallees.KeepsNothing(name))
        {
            // C functions, which leave nothing in these registers.
            foreach (var register in arguments)
                state[register] = AddressValue.Other;
        }
        else if (KnownCallees.Copies(name))
        {
            StoreTo(state, state[Rdi], null, Held(state, state[Rsi]), isWhole: false);
        }
        else
        {
            if (KnownCallees.Duplicates(name))
                Escape(Held(state, state[Rdi]), EscapeWay.Stored);
            foreach (var register in arguments)
                Pass(state, state[register], name);
            PassFrame(state, name, isShared: false);
        }

        if (!KnownCallees.IsAssembly(name))
            state[Rax] = AddressValue.Other;
    }

    private void CallOwn(FlowState state, CodePlace callee)
    {
        if (!passed.TryGetValue(callee, out var values))
            passed[callee] = values = [.. arguments.Select(_ => AddressValue.Other)];
        for (var i = 0; i < arguments.Length; i++)
        {
            var value = state[arguments[i]];
            var joined = values[i].Join(AddressValue.Among(value.Own));
            isNews |= !joined.SameAs(values[i]);
            values[i] = joined;
            if (value.IsStack)
                state.IsFrameShared = true;
        }

        PassFrame(state, null, isShared: false);
        state[Rax] = returned.GetValueOrDefault(callee, AddressValue.Other);
    }

    // A pointer to the frame lets the callee read all of it, and whoever it gives that pointer to.
    private void Pass(FlowState state, AddressValue value, string? to)
    {
        foreach (var own in value.Own.Where(o => o.CountsWhenPassed))
            Escape(own, EscapeWay.Passed, to);
        if (!value.IsStack)
            return;
        state.IsFrameShared = true;
        PassFrame(state, to, isShared: true);
    }

    // Further arguments are on the stack.
    private void PassFrame(FlowState state, string? to, bool isShared)
    {
        foreach (var own in state.Frame.SelectMany(v => v.Own).Where(o => o.CountsWhenPassed))
            Escape(own, isShared || to is not null ? EscapeWay.Passed : EscapeWay.NotFollowed, to);
    }

    private void Return(FlowState state)
    {
        var value = state[Rax];
        if (isPatched(current.Entry))
            Escape(value.Own, EscapeWay.Returned);
        var old = returned.GetValueOrDefault(current.Entry, AddressValue.Other);
        var joined = old.Join(AddressValue.Among(value.Own));
        isNews |= !joined.SameAs(old);
        returned[current.Entry] = joined;
    }

    private void Compute(FlowState state, CodeInstruction instruction)
    {
        var code = instruction.Code;
        switch (code.Mnemonic)
        {
            case Mnemonic.Nop or Mnemonic.Cmp or Mnemonic.Test or Mnemonic.Endbr64:
                break;
            case Mnemonic.Lea:
                Set(state, code.Op0Register, AddressOf(state, instruction));
                break;
            case Mnemonic.Xor or Mnemonic.Sub when code is { Op0Kind: OpKind.Register, Op1Kind: OpKind.Register } && code.Op0Register == code.Op1Register:
                Set(state, code.Op0Register, AddressValue.Other);
                break;
            case Mnemonic.Mov:
                Store(state, instruction, Read(state, instruction, 1), code.Op0Kind);
                break;
            case Mnemonic.Add or Mnemonic.Sub when code.Op0Kind == OpKind.Register && IsImmediate(code.Op1Kind) && instruction.Immediate is null:
                var bytes = unchecked((long)code.GetImmediate(1));
                Set(state, code.Op0Register, Get(state, code.Op0Register).Plus(code.Mnemonic == Mnemonic.Add ? bytes : -bytes));
                break;
            case Mnemonic.And when code is { Op0Register: Register.RSP }:
                state.Rsp = AddressValue.Stack(null);
                break;
            case Mnemonic.Push:
                var pushed = Read(state, instruction, 0);
                state.Rsp = state.Rsp.Plus(-8);
                StoreInFrame(state, state.Rsp.StackOffset, pushed, isWhole: true);
                break;
            case Mnemonic.Pop:
                var popped = state.LoadSlot(state.Rsp.StackOffset);
                state.Rsp = state.Rsp.Plus(8);
                Store(state, instruction, popped, code.Op0Kind);
                break;
            case Mnemonic.Pushfq:
                state.Rsp = state.Rsp.Plus(-8);
                StoreInFrame(state, state.Rsp.StackOffset, AddressValue.Other, isWhole: true);
                break;
            case Mnemonic.Popfq:
                state.Rsp = state.Rsp.Plus(8);
                break;
            case Mnemonic.Leave:
                state.Rsp = state[Rbp].IsStack ? state[Rbp] : AddressValue.Stack(null);
                state[Rbp] = state.LoadSlot(state.Rsp.StackOffset);
                state.Rsp = state.Rsp.Plus(8);
                break;
            case Mnemonic.Movsb or Mnemonic.Movsw or Mnemonic.Movsd or Mnemonic.Movsq when code.IsStringInstruction:
                StoreTo(state, state[Rdi], null, Held(state, state[Rsi]), isWhole: false);
                break;
            case Mnemonic.Stosb or Mnemonic.Stosw or Mnemonic.Stosd or Mnemonic.Stosq:
                StoreTo(state, state[Rdi], null, state[Rax], isWhole: false);
                break;
            case Mnemonic.Scasb or Mnemonic.Scasw or Mnemonic.Scasd or Mnemonic.Scasq:
            case Mnemonic.Cmpsb or Mnemonic.Cmpsw or Mnemonic.Cmpsd or Mnemonic.Cmpsq when code.IsStringInstruction:
                break;
            case var _ when IsConditionalMove(code):
                Set(state, code.Op0Register, Get(state, code.Op0Register).Join(Read(state, instruction, 1)));
                break;
            default:
                Spread(state, instruction);
                if (code.IsStackInstruction)
                    state.Rsp = AddressValue.Stack(null);
                break;
        }
    }

    private static bool IsConditionalMove(in Instruction code) =>
        code.ConditionCode != ConditionCode.None && code.OpCount == 2 && code.Op0Kind == OpKind.Register;

    // From all that the instruction reads, addresses of memory aside, to all that it writes.
    private void Spread(FlowState state, CodeInstruction instruction)
    {
        var code = instruction.Code;
        var used = information.GetInfo(code);
        var value = AddressValue.Other;
        for (var i = 0; i < code.OpCount; i++)
        {
            if (IsRead(used.GetOpAccess(i)))
                value = value.Combine(Read(state, instruction, i));
        }

        var named = Enumerable.Range(0, code.OpCount).Where(i => code.GetOpKind(i) == OpKind.Register)
            .Select(i => code.GetOpRegister(i).GetFullRegister()).ToHashSet();
        var hidden = used.GetUsedRegisters().Where(r => !named.Contains(r.Register.GetFullRegister())).ToList();
        foreach (var register in hidden.Where(r => IsRead(r.Access) && !IsAddress(code, r.Register)))
            value = value.Combine(Get(state, register.Register));
        foreach (var register in hidden.Where(r => IsWritten(r.Access) && Number(r.Register) is not (null or Rsp)))
            Join(state, register.Register, value, isUpdate: register.Access == OpAccess.Write);

        for (var i = 0; i < code.OpCount; i++)
        {
            var access = used.GetOpAccess(i);
            if (!IsWritten(access))
                continue;
            if (access is OpAccess.Write && !value.IsPlain)
                Store(state, instruction, value, code.GetOpKind(i), i);
            else if (access is OpAccess.Write)
                Store(state, instruction, AddressValue.Other, code.GetOpKind(i), i);
            else if (code.GetOpKind(i) == OpKind.Register)
                Join(state, code.GetOpRegister(i), value, isUpdate: access is OpAccess.ReadWrite);
            else if (!value.Own.IsEmpty || value.IsStack)
                Store(state, instruction, value, code.GetOpKind(i), i, isWhole: false);
        }
    }

    private static bool IsRead(OpAccess access) => access is OpAccess.Read or OpAccess.CondRead or OpAccess.ReadWrite or OpAccess.ReadCondWrite;

    private static bool IsWritten(OpAccess access) =>
        access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;

    private static bool IsAddress(in Instruction code, Register register) =>
        register.GetFullRegister() is var full && full != Register.None
        && (full == code.MemoryBase.GetFullRegister() || full == code.MemoryIndex.GetFullRegister());

    private static bool IsImmediate(OpKind kind) => kind is OpKind.Immediate8 or OpKind.Immediate16 or OpKind.Immediate32 or OpKind.Immediate64
        or OpKind.Immediate8to16 or OpKind.Immediate8to32 or OpKind.Immediate8to64 or OpKind.Immediate32to64;

    // The number of a general register of the processor; null for others.
    private static int? Number(Register register) => register.IsGPR() ? register.GetFullRegister() - Register.RAX : null;

    private static AddressValue Get(FlowState state, Register register) =>
        Number(register) is { } number && register.GetSize() >= 4 ? state[number] : AddressValue.Other;

    private void Set(FlowState state, Register register, AddressValue value)
    {
        if (Number(register) is not { } number)
            Escape(value.Own, EscapeWay.NotFollowed);
        else if (register.GetSize() < 4)
            state[number] = state[number].Join(value);
        else if (number == Rsp && !value.IsStack)
            state.Rsp = AddressValue.Stack(null);
        else
            state[number] = value;
    }

    private void Join(FlowState state, Register register, AddressValue value, bool isUpdate = false) =>
        Set(state, register, isUpdate ? value : Get(state, register).Join(value));

    private AddressValue Read(FlowState state, CodeInstruction instruction, int operand)
    {
        var code = instruction.Code;
        return code.GetOpKind(operand) switch
        {
            OpKind.Register => Get(state, code.GetOpRegister(operand)),
            OpKind.Memory => Load(state, instruction),
            var kind when IsImmediate(kind) && instruction.Immediate is { } own => AddressValue.Of(own),
            _ => AddressValue.Other,
        };
    }

    private AddressValue Load(FlowState state, CodeInstruction instruction)
    {
        // Half an address is none.
        var size = instruction.Code.MemorySize.GetSize();
        return size is > 0 and < 4 ? AddressValue.Other : Held(state, AddressOf(state, instruction), LoadsWhole(instruction));
    }

    private static bool LoadsWhole(CodeInstruction instruction) => instruction.Code.MemorySize.GetSize() == 8;

    // What the memory at an address may hold.
    private static AddressValue Held(FlowState state, AddressValue address, bool isWhole = false)
    {
        var value = AddressValue.Among(address.Own.SelectMany(o => o.Contents));
        return address.IsStack ? value.Join(state.LoadSlot(isWhole ? address.StackOffset : null)) : value;
    }

    // The address that a memory operand means. Per-processor data are reached by a segment with the datum's own address as
    // offset.
    private static AddressValue AddressOf(FlowState state, CodeInstruction instruction)
    {
        var code = instruction.Code;
        var value = instruction.Displacement is { } own ? AddressValue.Of(own) : AddressValue.Other;
        if (code.IsIPRelativeMemoryOperand)
            return value;
        var plainBase = code.MemoryBase == Register.None ? AddressValue.Other : Get(state, code.MemoryBase);
        if (code.MemoryIndex == Register.None && instruction.Displacement is null && code.MemoryBase != Register.None)
            return plainBase.Plus(unchecked((long)code.MemoryDisplacement64));
        value = value.Combine(plainBase);
        return code.MemoryIndex == Register.None ? value : value.Combine(Get(state, code.MemoryIndex));
    }

    private void Store(FlowState state, CodeInstruction instruction, AddressValue value, OpKind kind, int operand = 0, bool isWhole = true)
    {
        if (kind == OpKind.Register)
            Set(state, instruction.Code.GetOpRegister(operand), value);
        else if (kind == OpKind.Memory)
            StoreTo(state, AddressOf(state, instruction), instruction, value, isWhole && instruction.Code.MemorySize.GetSize() == 8);
        else
            Escape(value.Own, EscapeWay.NotFollowed);
    }

    private void StoreTo(FlowState state, AddressValue address, CodeInstruction? instruction, AddressValue value, bool isWhole)
    {
        // One or two bytes are no address.
        if (instruction?.Code.MemorySize.GetSize() is > 0 and < 4)
            value = AddressValue.Other;
        if (address.IsStack)
            StoreInFrame(state, address.StackOffset, value, isWhole && address.IsKnownSlot);
        foreach (var own in address.Own.Where(_ => !value.Own.IsEmpty))
            isNews |= own.Hold(value.Own);
        if (address.MayBeOther)
        {
            Escape(value.Own, EscapeWay.Stored);
            if (value.IsStack)
                Pass(state, value, null);
        }
    }

    private void StoreInFrame(FlowState state, long? offset, AddressValue value, bool isWhole)
    {
        state.StoreSlot(offset, value, isWhole);
        if (!state.IsFrameShared)
            return;
        foreach (var own in value.Own.Where(o => o.CountsWhenPassed))
            Escape(own, EscapeWay.NotFollowed, null);
    }

    private void Escape(AddressValue held, EscapeWay way) => Escape(held.Own, way);

    private void Escape(IEnumerable<OwnAddress> addresses, EscapeWay way)
    {
        foreach (var own in addresses)
            Escape(own, way, null);
    }

    private void Escape(OwnAddress own, EscapeWay way, string? to)
    {
        if (own.Counts)
            escapes.TryAdd((own, way, current.Name), new(current.Name, own.Name, own.Kind, way, to, at.Place.ToString()));
    }
}
