// A data flow over the instructions of all functions: which registers and stack slots may hold an address of the module, along
// every path. An address begins where an instruction makes it (an immediate, lea) or loads it from data of the module that hold
// it. It spreads through registers, arithmetic and the stack frame, through calls to functions of the module and back from them,
// and into the module's own data, which hold it from then on. It ends where it is overwritten. What is not understood spreads it
// from all that an instruction reads to all that it writes. Nothing is said about what the kernel does with it afterwards: that
// is Escapes' part.
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Model.Explanations;

namespace Elivepatch.Engine.Escape;

/// <summary>Follows the addresses of a module through its code.</summary>
internal sealed class FollowAddresses(
    Architecture architecture,
    ModuleAddresses addresses,
    ModuleCode code,
    Func<CodePlace, bool> isPatched
)
{
    // Far more than any livepatch needs; a hostile module ends here and is taken for one whose addresses escape.
    private const int MostSteps = 20_000_000;

    private const long LargestStructure = 1 << 20;
    private const int Word = sizeof(ulong);

    private readonly CallingConvention calls = architecture.Calls;
    private readonly AssemblyCallees assembly = architecture.Assembly;
    private readonly Dictionary<(OwnAddress, EscapeWay, string Function), AddressEscape> escapes = [];
    private readonly Dictionary<(OwnAddress, EscapeWay, string Function), AddressEscape> guesses = [];
    private readonly Dictionary<CodePlace, AddressValue[]> passed = [];
    private readonly Dictionary<CodePlace, Dictionary<long, AddressValue>> passedOnStack = [];
    private readonly Dictionary<CodePlace, (AddressValue First, AddressValue Second)> returned = [];
    private readonly Dictionary<CodePlace, OwnAddress> frames = [];
    private readonly Dictionary<CodePlace, HashSet<int>> overwritten = [];
    private readonly HashSet<CodePlace> readsStackArguments = [];
    private readonly HashSet<CodePlace> enables = [];
    private readonly HashSet<CodePlace> releases = [];
    private readonly HashSet<CodePlace> visited = [];
    private readonly HashSet<(string Function, string Address)> computed = [];
    private readonly ILookup<ElfSection, ulong> labels = addresses.Labels.ToLookup(l => l.Section, l => l.Offset);
    private CodeFunction current = new("", default, 0);
    private CodeInstruction at = code.Instructions.FirstOrDefault()!;
    private bool isNews;
    private int steps;
    private bool? heldAtEnable;

    /// <summary>
    /// What escapes, by place. That a word of the frame is an argument of the function called, or a register the second part of a
    /// result, is a guess, and says nothing of an address of which more is known.
    /// </summary>
    public IEnumerable<AddressEscape> Escapes
    {
        get
        {
            var known = escapes.Keys.Select(k => k.Item1).ToHashSet();
            return escapes.Values.Concat(guesses.Where(g => !known.Contains(g.Key.Item1)).Select(g => g.Value));
        }
    }

    /// <summary>Data of the module with whose address a function computes: more than to reach a member.</summary>
    public IReadOnlySet<(string Function, string Address)> Computed => computed;

    /// <summary>True where the code was too much to be followed.</summary>
    public bool IsExhausted => steps > MostSteps;

    /// <summary>
    /// Whether the module has a reference to itself wherever it enables its livepatch, and keeps it: only the function that
    /// enables it may give it back, for a livepatch that could not be enabled. Null where it enables none.
    /// </summary>
    public bool? HoldsModule => heldAtEnable is { } held ? held && releases.IsSubsetOf(enables) : null;

    /// <summary>Runs until nothing new is found.</summary>
    public void Run()
    {
        do
        {
            isNews = false;
            foreach (var function in code.Functions.Where(f => !f.IsCold))
            {
                Run(function, function.Entry, Entry(function));
            }

            // What no path reached, a jump that nobody understands may.
            foreach (var function in code.Functions.Where(f => f.IsCold && !visited.Contains(f.Entry)).ToList())
            {
                Run(function, function.Entry, FlowState.Entry(calls, stack: null));
            }

            foreach (var instruction in code.Instructions.Where(i => !visited.Contains(i.Place)).ToList())
            {
                if (!visited.Contains(instruction.Place))
                {
                    Run(code.FunctionOf(instruction.Place), instruction.Place, FlowState.Entry(calls, stack: null));
                }
            }
        } while (isNews && !IsExhausted);
    }

    private FlowState Entry(CodeFunction function)
    {
        var state = FlowState.Entry(calls);
        if (passed.TryGetValue(function.Entry, out var values))
        {
            for (var i = 0; i < values.Length; i++)
            {
                state[calls.Arguments[i]] = values[i];
            }
        }

        if (passedOnStack.TryGetValue(function.Entry, out var slots))
        {
            foreach (var (offset, value) in slots)
            {
                state.StoreSlot(offset, value, isWhole: true);
            }
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
                {
                    Meet(target, state);
                }

                if (!Step(state, next, Meet))
                {
                    break;
                }

                // What lies behind a call that never returns, or behind padding, is another function.
                if (code.FunctionAt(next.Next) is not null)
                {
                    break;
                }

                if (next.Code.Flow is not (ControlFlow.Next or ControlFlow.Call or ControlFlow.IndirectCall))
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
                {
                    open.Push(to);
                }
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
        switch (instruction.Code.Flow)
        {
            case ControlFlow.Call:
                Call(state, instruction.Target, instruction.External);
                return true;
            case ControlFlow.IndirectCall:
                Call(state, null, null, isC: instruction.Code.MayCallByConvention);
                return true;
            case ControlFlow.Return:
                Return(state);
                return false;
            case ControlFlow.ConditionalJump:
                Jump(state, instruction, meet);
                return true;
            case ControlFlow.Jump:
                Jump(state, instruction, meet);
                return false;
            case ControlFlow.IndirectJump:
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
            {
                TailCall(state.Copy(), callee);
            }
            else
            {
                meet(target, state);
            }
        }
        else if (assembly.IsReturn(instruction.External))
        {
            Return(state);
        }
        else if (assembly.IsIndirect(instruction.External))
        {
            JumpThroughPointer(state, meet);
        }
        else
        {
            var after = state.Copy();
            Call(after, null, instruction.External, isTail: true);
            Return(after);
        }
    }

    private void TailCall(FlowState state, CodeFunction callee)
    {
        Call(state, callee.Entry, null, isTail: true);
        Return(state);
    }

    private void JumpThroughPointer(FlowState state, Action<CodePlace, FlowState> meet)
    {
        foreach (var label in labels[at.Place.Section])
        {
            meet(new(at.Place.Section, label), state);
        }

        Call(state.Copy(), null, null, isTail: true);
    }

    private void Call(FlowState state, CodePlace? own, string? name, bool isTail = false, bool isC = true)
    {
        if (assembly.IsFtraceEntry(name))
        {
            return;
        }

        if (own is { } place && code.FunctionAt(place) is not null)
        {
            CallOwn(state, place, isTail);
            return;
        }

        var result = AddressValue.Other;
        if (assembly.IsIndirect(name))
        {
            name = null;
        }

        NoteReferences(state, name);
        if (KnownCallees.RetainsNothing(name) || assembly.RetainsNothing(name))
        {
            if (KnownCallees.CopiesMemory(name))
            {
                StoreTo(state, Argument(state, 0), null, Held(state, Argument(state, 1)), isWhole: false);
            }

            if (KnownCallees.ReturnsFirstArgument(name))
            {
                result = Argument(state, 0).Widen();
            }
        }
        else if (name is "klp_shadow_alloc" or "klp_shadow_get_or_alloc")
        {
            // kernel/livepatch/shadow.c: keeps the object's address, and calls the constructor before it returns.
            Pass(state, Argument(state, 0), name);
            CallBack(state, Argument(state, 4), name, (0, Argument(state, 0)), (2, Argument(state, 5)));
        }
        else if (name is "klp_shadow_free" or "klp_shadow_free_all")
        {
            // Compare the object's address, and call the destructor before they return.
            var (destructor, handed) =
                name == "klp_shadow_free" ? (Argument(state, 2), Argument(state, 0)) : (Argument(state, 1), AddressValue.Other);
            CallBack(state, destructor, name, (0, handed));
        }
        else
        {
            PassAll(state, name, isTail);
        }

        if (assembly.IsAssembly(name) || !isC)
        {
            return;
        }

        foreach (var register in calls.Scratch)
        {
            state[register] = AddressValue.Other;
        }

        state[calls.Results.First] = result;
    }

    private void NoteReferences(FlowState state, string? name)
    {
        if (name == SelfCheck.ModuleStart.EnableFunction)
        {
            heldAtEnable = (heldAtEnable ?? true) && state.HoldsModule;
            enables.Add(current.Entry);
        }

        if (
            KnownCallees.TakesModuleReference(name)
            && Argument(state, 0) is { MayBeOther: false, IsStack: false } to
            && to.Own.All(o => o.IsThisModule)
        )
        {
            state.HoldsModule = true;
        }
        else if (KnownCallees.DropsModuleReference(name))
        {
            state.HoldsModule = false;
            if (Argument(state, 0).Own.Any(o => o.IsThisModule))
            {
                releases.Add(current.Entry);
            }
        }
    }

    // To a function of the kernel of which nothing is known but perhaps what it does with one argument.
    private void PassAll(FlowState state, string? name, bool isTail)
    {
        var copied = KnownCallees.CopiedArgument(name);
        for (var i = 0; i < calls.Arguments.Count; i++)
        {
            var value = state[calls.Arguments[i]];
            if (i == copied)
            {
                Escape(Held(state, value), EscapeWay.Stored);
            }
            else
            {
                Pass(state, value, name, copiesText: KnownCallees.CopiesString(name, i));
            }
        }

        if (assembly.UsesAnyRegister(name))
        {
            foreach (
                var register in Enumerable
                    .Range(0, calls.Registers)
                    .Where(i => i != calls.StackPointer && !calls.Arguments.Contains(i))
            )
            {
                Pass(state, state[register], name);
            }
        }

        // Further arguments are on the stack.
        foreach (var (offset, value) in state.Frame)
        {
            if (IsOutgoing(offset, isTail))
            {
                Escape(value.Own, name is null ? EscapeWay.NotFollowed : EscapeWay.Passed, name, guesses);
            }
        }
    }

    // What is called finds its arguments below the return address of the caller, and in place of the caller's own where it is
    // jumped to.
    private static bool IsOutgoing(long? offset, bool isTail) => offset is null || (isTail ? offset > 0 : offset < 0);

    // A function that a callee calls with these arguments; where it is the kernel's, it may keep them.
    private void CallBack(FlowState state, AddressValue function, string name, params (int Argument, AddressValue Value)[] given)
    {
        foreach (var own in function.Own)
        {
            if (code.FunctionAt(new(own.Section, own.Start)) is not { } callee)
            {
                continue;
            }

            foreach (var (argument, value) in given)
            {
                Join(callee.Entry, argument, OwnOf(state, value));
            }
        }

        if (function.MayBeOther)
        {
            foreach (var (_, value) in given)
            {
                Pass(state, value, name);
            }
        }
    }

    private void Join(CodePlace callee, int argument, IEnumerable<OwnAddress> given)
    {
        if (!passed.TryGetValue(callee, out var values))
        {
            passed[callee] = values = [.. calls.Arguments.Select(_ => AddressValue.Other)];
        }

        var joined = values[argument].Join(AddressValue.OneOf(given));
        isNews |= !joined.SameAs(values[argument]);
        values[argument] = joined;
    }

    private void CallOwn(FlowState state, CodePlace callee, bool isTail)
    {
        for (var i = 0; i < calls.Arguments.Count; i++)
        {
            Join(callee, i, OwnOf(state, state[calls.Arguments[i]]));
        }

        PassOnStack(state, callee, isTail);

        var (first, second) = returned.GetValueOrDefault(callee, (AddressValue.Other, AddressValue.Other));
        var lost = Overwritten(callee);
        foreach (var register in calls.Scratch)
        {
            var value =
                register == calls.Results.First ? first
                : register == calls.Results.Second ? second
                : AddressValue.Other;
            if (lost.Contains(register))
            {
                state[register] = value;
            }
            else if (!value.IsPlain)
            {
                state[register] = value.Join(state[register]);
            }
        }
    }

    // Where the callee finds its seventh argument and all behind it. How many it has nobody says.
    private void PassOnStack(FlowState state, CodePlace callee, bool isTail)
    {
        var further = state.Frame.Where(s => IsOutgoing(s.Offset, isTail) && !s.Value.IsPlain).ToList();
        if (state.Stack is not { StackOffset: { } top, MayBeOther: false } || further.Exists(s => s.Offset is null))
        {
            foreach (var (_, value) in further)
            {
                Escape(value.Own, EscapeWay.NotFollowed, into: guesses);
            }

            return;
        }

        if (further.Count > 0 && !passedOnStack.ContainsKey(callee))
        {
            passedOnStack[callee] = [];
        }

        foreach (var (offset, value) in further)
        {
            var slots = passedOnStack[callee];
            var to = offset!.Value - top + (isTail ? 0 : calls.ReturnAddress);
            var old = slots.GetValueOrDefault(to, AddressValue.Other);
            var joined = old.Join(AddressValue.OneOf(OwnOf(state, value)));
            isNews |= !joined.SameAs(old);
            slots[to] = joined;
        }
    }

    // The scratch registers that a function of the module may change. A compiler that sees the function may count on the others
    // (gcc's -fipa-ra).
    private HashSet<int> Overwritten(CodePlace function)
    {
        if (overwritten.TryGetValue(function, out var known))
        {
            return known;
        }

        var found = overwritten[function] = [];
        if (code.FunctionAt(function) is not { } body)
        {
            return found;
        }

        for (var next = code.At(body.Entry); next is not null && next.Place.Offset < body.End; next = code.At(next.Next))
        {
            foreach (var register in next.Code.Registers.Where(r => r.IsWritten && r.Register.IsGeneral))
            {
                found.Add(register.Register.Number);
            }

            if (next.Target is { } target && target != function && code.FunctionAt(target) is not null)
            {
                found.UnionWith(Overwritten(target));
            }
            else if (CallsC(next))
            {
                found.UnionWith(calls.Scratch);
            }
        }

        return found;
    }

    private bool CallsC(CodeInstruction instruction) =>
        instruction.Code.Flow switch
        {
            ControlFlow.IndirectCall => instruction.Code.MayCallByConvention,
            ControlFlow.Call or ControlFlow.Jump or ControlFlow.ConditionalJump => instruction.External is { } name
                && (!assembly.IsAssembly(name) || assembly.IsIndirect(name)),
            _ => false,
        };

    // What an address leads to for somebody outside of the function.
    private IEnumerable<OwnAddress> OwnOf(FlowState state, AddressValue value)
    {
        if (!value.IsStack)
        {
            return value.Own;
        }

        if (!frames.TryGetValue(current.Entry, out var frame))
        {
            frame = new(AddressKind.Data, current.Name, current.Entry.Section, 0) { CountsAsEscape = false, IsFrame = true };
            frames[current.Entry] = frame;
        }

        state.IsFrameLent = true;
        foreach (var (_, held) in state.Frame.Where(IsInReach))
        {
            isNews |= frame.AddContents(held.IsStack ? held.Own.Add(frame) : held.Own);
        }

        return value.Own.Add(frame);
    }

    // The arguments of a function lie in its frame for one that takes their address, or reads them.
    private bool IsInReach((long? Offset, AddressValue Value) slot) =>
        slot.Offset is null or < 0 || readsStackArguments.Contains(current.Entry);

    private void Pass(FlowState state, AddressValue value, string? to, bool copiesText = false)
    {
        Escape(value.Own.Where(o => !(copiesText && o.IsText)), EscapeWay.Passed, to);
        if (value.IsStack)
        {
            GiveFrame(state, EscapeWay.Passed, to);
        }
    }

    // A pointer to the frame lets whoever has it read all of it, and what is stored there later.
    private void GiveFrame(FlowState state, EscapeWay way, string? to)
    {
        var top = state.Stack.StackOffset ?? long.MinValue;
        state.SharedFrom = state.SharedFrom is { } before ? Math.Min(before, top) : top;
        foreach (var (_, held) in state.Frame.Where(IsInReach))
        {
            Escape(held.Own, way, to);
        }
    }

    private void Return(FlowState state)
    {
        // A structure of 16 bytes comes back in both registers. What else is left in the second means nothing, and nobody says
        // which it is. Behind a call it is empty, and what may be in the first as well is what that was chosen from (cmov).
        var first = state[calls.Results.First];
        var second = AddressValue.OneOf(state[calls.Results.Second].Own.Except(first.Own));
        if (isPatched(current.Entry))
        {
            Escape(first.Own, EscapeWay.Returned);
            Escape(second.Own, EscapeWay.Returned, into: guesses);
        }

        var (oldFirst, oldSecond) = returned.GetValueOrDefault(current.Entry, (AddressValue.Other, AddressValue.Other));
        first = oldFirst.Join(AddressValue.OneOf(first.Own));
        second = oldSecond.Join(AddressValue.OneOf(second.Own));
        isNews |= !first.SameAs(oldFirst) || !second.SameAs(oldSecond);
        returned[current.Entry] = (first, second);
    }

    private void Compute(FlowState state, CodeInstruction instruction)
    {
        var code = instruction.Code;
        var target = code.RegisterAt(0);
        switch (code.Operation)
        {
            case Operation.Nop or Operation.NoEffect or Operation.Compare or Operation.ScanBytes:
                break;
            case Operation.LoadAddress:
                var place = AddressOf(state, instruction);
                if (
                    code.Memory is { Place: null } memory
                    && (
                        memory.Index.Exists
                        || IsFar(memory.Displacement)
                        || (instruction.Displacement is not null && memory.Base.Exists)
                    )
                )
                {
                    NoteComputed(place);
                }

                Set(state, target, place);
                break;
            case Operation.Clear:
                Set(state, target, AddressValue.Other);
                break;
            case Operation.Move:
                Store(state, instruction, Read(state, instruction, 1), code.OperandAt(0));
                break;
            case Operation.Add
            or Operation.Subtract
                when target.Exists
                    && code.OperandAt(1) is { Kind: OperandKind.Immediate, Value: var bytes }
                    && instruction.Immediate is null:
                if (IsFar(bytes))
                {
                    NoteComputed(Get(state, target));
                }

                Set(state, target, Get(state, target).Add(code.Operation == Operation.Add ? bytes : -bytes));
                break;
            case Operation.And when target.Number == calls.StackPointer && target.Size == Word:
                state.Stack = AddressValue.Stack(null);
                break;
            case Operation.Push:
                Push(state, Read(state, instruction, 0));
                break;
            case Operation.Pop:
                var popped = state.LoadSlot(state.Stack.StackOffset);
                state.Stack = state.Stack.Add(Word);
                Store(state, instruction, popped, code.OperandAt(0));
                break;
            case Operation.PushState:
                Push(state, AddressValue.Other);
                break;
            case Operation.PopState:
                state.Stack = state.Stack.Add(Word);
                break;
            case Operation.LeaveFrame:
                state.Stack = state[calls.FramePointer].IsStack ? state[calls.FramePointer] : AddressValue.Stack(null);
                state[calls.FramePointer] = state.LoadSlot(state.Stack.StackOffset);
                state.Stack = state.Stack.Add(Word);
                break;
            case Operation.CopyBytes:
                StoreTo(state, Argument(state, 0), null, Held(state, Argument(state, 1)), isWhole: false);
                break;
            case Operation.FillBytes:
                StoreTo(state, Argument(state, 0), null, state[calls.Results.First], isWhole: false);
                break;
            case Operation.ConditionalMove:
                Set(state, target, Get(state, target).Join(Read(state, instruction, 1)));
                break;
            default:
                Spread(state, instruction);
                if (code.IsOfStack)
                {
                    state.Stack = AddressValue.Stack(null);
                }

                break;
        }
    }

    private void Push(FlowState state, AddressValue value)
    {
        state.Stack = state.Stack.Add(-Word);
        StoreInFrame(state, state.Stack.StackOffset, value, isWhole: true);
    }

    private AddressValue Argument(FlowState state, int index) => state[calls.Arguments[index]];

    // No structure is that large.
    private static bool IsFar(long bytes) => bytes is < -LargestStructure or > LargestStructure;

    private void NoteComputed(AddressValue value)
    {
        foreach (var own in value.Own.Where(o => o is { CountsAsEscape: true, Kind: AddressKind.Data or AddressKind.Constant }))
        {
            computed.Add((current.Name, own.Name));
        }
    }

    // From all that the instruction reads, addresses of memory aside, to all that it writes.
    private void Spread(FlowState state, CodeInstruction instruction)
    {
        var code = instruction.Code;
        var value = AddressValue.Other;
        for (var i = 0; i < code.Operands.Count; i++)
        {
            if (code.Operands[i].IsRead)
            {
                value = value.Combine(Read(state, instruction, i));
            }
        }

        NoteComputed(value);
        var named = code.Operands.Where(o => o.IsRegister).Select(o => o.Register.Number).ToHashSet();
        var hidden = code.Registers.Where(r => !named.Contains(r.Register.Number)).ToList();
        foreach (var register in hidden.Where(r => r.IsRead && !IsAddress(code, r.Register)))
        {
            value = value.Combine(Get(state, register.Register));
        }

        foreach (
            var register in hidden.Where(r => r.IsWritten && r.Register.IsGeneral && r.Register.Number != calls.StackPointer)
        )
        {
            Join(state, register.Register, value, isUpdate: register.Access == OperandAccess.Write);
        }

        foreach (var operand in code.Operands.Where(o => o.IsWritten))
        {
            if (operand.Access == OperandAccess.Write && !value.IsPlain)
            {
                Store(state, instruction, value, operand);
            }
            else if (operand.Access == OperandAccess.Write)
            {
                Store(state, instruction, AddressValue.Other, operand);
            }
            else if (operand.IsRegister)
            {
                Join(state, operand.Register, value, isUpdate: operand.Access == (OperandAccess.Read | OperandAccess.Write));
            }
            else if (!value.Own.IsEmpty || value.IsStack)
            {
                Store(state, instruction, value, operand, isWhole: false);
            }
        }

        // What writes nowhere hands over to the machine what it read.
        if (!value.IsPlain && !code.OnlyReads && !hidden.Exists(r => r.IsWritten) && !code.Operands.Any(o => o.IsWritten))
        {
            HandOver(state, value);
        }
    }

    private void HandOver(FlowState state, AddressValue value)
    {
        Escape(value.Own, EscapeWay.NotFollowed);
        if (value.IsStack)
        {
            GiveFrame(state, EscapeWay.NotFollowed, null);
        }
    }

    private static bool IsAddress(MachineInstruction code, MachineRegister register) =>
        code.Memory is { } memory && (register.Number == memory.Base.Number || register.Number == memory.Index.Number);

    private static AddressValue Get(FlowState state, MachineRegister register) =>
        register is { IsGeneral: true, Size: >= sizeof(uint) } ? state[register.Number] : AddressValue.Other;

    private void Set(FlowState state, MachineRegister register, AddressValue value)
    {
        if (!register.IsGeneral)
        {
            HandOver(state, value);
        }
        else if (register.Size < sizeof(uint))
        {
            state[register.Number] = state[register.Number].Join(value);
        }
        else if (register.Number == calls.StackPointer && !value.IsStack)
        {
            state.Stack = AddressValue.Stack(null);
        }
        else
        {
            state[register.Number] = value;
        }
    }

    private void Join(FlowState state, MachineRegister register, AddressValue value, bool isUpdate = false) =>
        Set(state, register, isUpdate ? value : Get(state, register).Join(value));

    private AddressValue Read(FlowState state, CodeInstruction instruction, int operand) =>
        instruction.Code.OperandAt(operand) switch
        {
            { Kind: OperandKind.Register } register => Get(state, register.Register),
            { Kind: OperandKind.Memory } => Load(state, instruction),
            { Kind: OperandKind.Immediate } when instruction.Immediate is { } own => AddressValue.Of(own),
            _ => AddressValue.Other,
        };

    // Half an address is none.
    private AddressValue Load(FlowState state, CodeInstruction instruction) =>
        SizeOf(instruction) is > 0 and < 4
            ? AddressValue.Other
            : Held(state, AddressOf(state, instruction), SizeOf(instruction) == Word);

    private static int SizeOf(CodeInstruction? instruction) => instruction?.Code.Memory?.Size ?? 0;

    // What the memory at an address may hold.
    private static AddressValue Held(FlowState state, AddressValue address, bool isWhole = false)
    {
        var value = AddressValue.OneOf(address.Own.SelectMany(o => o.Contents));
        return address.IsStack ? value.Join(state.LoadSlot(isWhole ? address.StackOffset : null)) : value;
    }

    // The address that a memory operand means. Per-processor data are reached by a segment with the datum's own address as
    // offset.
    private AddressValue AddressOf(FlowState state, CodeInstruction instruction)
    {
        var value = instruction.Displacement is { } own ? AddressValue.Of(own) : AddressValue.Other;
        if (instruction.Code.Memory is not { Place: null } memory)
        {
            return value;
        }

        var plainBase = memory.Base.Exists ? Get(state, memory.Base) : AddressValue.Other;
        if (!memory.Index.Exists && instruction.Displacement is null && memory.Base.Exists)
        {
            var there = plainBase.Add(memory.Displacement);
            if (there is { IsStack: true, StackOffset: null or >= Word })
            {
                isNews |= readsStackArguments.Add(current.Entry);
            }

            return there;
        }

        value = value.Combine(plainBase);
        return memory.Index.Exists ? value.Combine(Get(state, memory.Index)) : value;
    }

    private void Store(FlowState state, CodeInstruction instruction, AddressValue value, Operand operand, bool isWhole = true)
    {
        if (operand.IsRegister)
        {
            Set(state, operand.Register, value);
        }
        else if (operand.Kind == OperandKind.Memory)
        {
            StoreTo(state, AddressOf(state, instruction), instruction, value, isWhole && SizeOf(instruction) == Word);
        }
        else
        {
            Escape(value.Own, EscapeWay.NotFollowed);
        }
    }

    private void StoreTo(FlowState state, AddressValue address, CodeInstruction? instruction, AddressValue value, bool isWhole)
    {
        // One or two bytes are no address.
        if (SizeOf(instruction) is > 0 and < 4)
        {
            value = AddressValue.Other;
        }

        if (address.IsStack)
        {
            StoreInFrame(state, address.StackOffset, value, isWhole && address.IsKnownSlot);
        }

        if (!value.IsPlain && !address.Own.IsEmpty)
        {
            var held = OwnOf(state, value);
            foreach (var own in address.Own)
            {
                isNews |= own.AddContents(held);
            }
        }

        if (address.MayBeOther)
        {
            Escape(value.Own, EscapeWay.Stored);
            if (value.IsStack)
            {
                GiveFrame(state, EscapeWay.Stored, null);
            }
        }
    }

    private void StoreInFrame(FlowState state, long? offset, AddressValue value, bool isWhole)
    {
        state.StoreSlot(offset, value, isWhole);
        if (state.SharedFrom is { } from && !(offset < from))
        {
            Escape(value.Own, EscapeWay.NotFollowed);
        }

        if (state.IsFrameLent && !value.IsPlain && frames.TryGetValue(current.Entry, out var frame))
        {
            isNews |= frame.AddContents(OwnOf(state, value));
        }
    }

    private void Escape(AddressValue held, EscapeWay way) => Escape(held.Own, way);

    private void Escape(
        IEnumerable<OwnAddress> addresses,
        EscapeWay way,
        string? to = null,
        Dictionary<(OwnAddress, EscapeWay, string), AddressEscape>? into = null
    )
    {
        foreach (var own in addresses.SelectMany(o => o.IsFrame ? o.FindFrameContents() : [o]).Where(o => o.CountsAsEscape))
        {
            (into ?? escapes).TryAdd(
                (own, way, current.Name),
                new(current.Name, own.Name, own.Kind, way, to, at.Place.ToString())
            );
        }
    }
}
