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

    private const long LargestStructure = 1 << 20;

    private const int Rax = 0, Rcx = 1, Rdx = 2, Rsp = 4, Rbp = 5, Rsi = 6, Rdi = 7, R8 = 8, R9 = 9;
    private const int R10 = 10, R11 = 11;
    private static readonly int[] arguments = [Rdi, Rsi, Rdx, Rcx, R8, R9];

    // What a call by the C calling convention leaves undefined.
    private static readonly int[] callerSaved = [Rax, Rcx, Rdx, Rsi, Rdi, R8, R9, R10, R11];

    private readonly InstructionInfoFactory information = new();
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
    /// What escapes, by place. That a word of the frame is an argument of the function called, or <c>%rdx</c> part of a result, is a guess,
    /// and says nothing of an address of which more is known.
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
    /// Whether the module has a reference to itself wherever it enables its livepatch, and keeps it: only the function that enables it
    /// may give it back, for a livepatch that could not be enabled. Null where it enables none.
    /// </summary>
    public bool? HoldsModule => heldAtEnable is { } held ? held && releases.IsSubsetOf(enables) : null;

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
                    Run(code.FunctionOf(instruction.Place), instruction.Place, FlowState.Entry(stack: null));
            }
        }
        while (isNews && !IsExhausted);
    }

    private FlowState Entry(CodeFunction function)
    {
        var state = FlowState.Entry();
        if (passed.TryGetValue(function.Entry, out var values))
        {
            for (var i = 0; i < arguments.Length; i++)
                state[arguments[i]] = values[i];
        }

        if (passedOnStack.TryGetValue(function.Entry, out var slots))
        {
            foreach (var (offset, value) in slots)
                state.StoreSlot(offset, value, isWhole: true);
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
                Call(state, null, null, isC: IsCallOfC(instruction.Code));
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
            meet(new(at.Place.Section, label), state);
        Call(state.Copy(), null, null, isTail: true);
    }

    private void Call(FlowState state, CodePlace? own, string? name, bool isTail = false, bool isC = true)
    {
        if (KnownCallees.IsFtraceEntry(name))
            return;
        if (own is { } place && code.FunctionAt(place) is not null)
        {
            CallOwn(state, place, isTail);
            return;
        }

        var result = AddressValue.Other;
        if (KnownCallees.IsIndirectThunk(name))
            name = null;
        NoteReferences(state, name);
        if (KnownCallees.KeepsNothing(name))
        {
            if (KnownCallees.Copies(name))
                StoreTo(state, state[Rdi], null, Held(state, state[Rsi]), isWhole: false);
            if (KnownCallees.ReturnsFirst(name))
                result = state[Rdi].Further();
        }
        else if (name is "klp_shadow_alloc" or "klp_shadow_get_or_alloc")
        {
            // kernel/livepatch/shadow.c: keeps the object's address, and calls the constructor before it returns.
            Pass(state, state[Rdi], name);
            CallBack(state, state[R8], name, (Rdi, state[Rdi]), (Rdx, state[R9]));
        }
        else if (name is "klp_shadow_free" or "klp_shadow_free_all")
        {
            // Compare the object's address, and call the destructor before they return.
            var (destructor, handed) = name == "klp_shadow_free" ? (state[Rdx], state[Rdi]) : (state[Rsi], AddressValue.Other);
            CallBack(state, destructor, name, (Rdi, handed));
        }
        else
        {
            PassAll(state, name, isTail);
        }

        if (KnownCallees.IsAssembly(name) || !isC)
            return;
        foreach (var register in callerSaved)
            state[register] = AddressValue.Other;
        state[Rax] = result;
    }

    private void NoteReferences(FlowState state, string? name)
    {
        if (name == SelfCheck.ModuleStart.EnableFunction)
        {
            heldAtEnable = (heldAtEnable ?? true) && state.HoldsModule;
            enables.Add(current.Entry);
        }

        if (KnownCallees.TakesReference(name) && state[Rdi] is { MayBeOther: false, IsStack: false } to && to.Own.All(o => o.IsThisModule))
        {
            state.HoldsModule = true;
        }
        else if (KnownCallees.GivesReference(name))
        {
            state.HoldsModule = false;
            if (state[Rdi].Own.Any(o => o.IsThisModule))
                releases.Add(current.Entry);
        }
    }

    // To a function of the kernel of which nothing is known but perhaps what it does with one argument.
    private void PassAll(FlowState state, string? name, bool isTail)
    {
        var copied = KnownCallees.CopiesBytes(name);
        for (var i = 0; i < arguments.Length; i++)
        {
            var value = state[arguments[i]];
            if (i == copied)
                Escape(Held(state, value), EscapeWay.Stored);
            else
                Pass(state, value, name, copiesText: KnownCallees.CopiesText(name, i));
        }

        if (KnownCallees.UsesAnyRegister(name))
        {
            foreach (var register in Enumerable.Range(0, 16).Where(i => i != Rsp && !arguments.Contains(i)))
                Pass(state, state[register], name);
        }

        // Further arguments are on the stack.
        foreach (var (offset, value) in state.Frame)
        {
            if (IsOutgoing(offset, isTail))
                Escape(value.Own, name is null ? EscapeWay.NotFollowed : EscapeWay.Passed, name, guesses);
        }
    }

    // What is called finds its arguments below the return address of the caller, and in place of the caller's own where it is jumped to.
    private static bool IsOutgoing(long? offset, bool isTail) => offset is null || (isTail ? offset > 0 : offset < 0);

    // A function that a callee calls with these arguments; where it is the kernel's, it may keep them.
    private void CallBack(FlowState state, AddressValue function, string name, params (int Register, AddressValue Value)[] given)
    {
        foreach (var own in function.Own)
        {
            if (code.FunctionAt(new(own.Section, own.Start)) is not { } callee)
                continue;
            foreach (var (register, value) in given)
                Join(callee.Entry, Array.IndexOf(arguments, register), OwnOf(state, value));
        }

        if (function.MayBeOther)
        {
            foreach (var (_, value) in given)
                Pass(state, value, name);
        }
    }

    private void Join(CodePlace callee, int argument, IEnumerable<OwnAddress> given)
    {
        if (!passed.TryGetValue(callee, out var values))
            passed[callee] = values = [.. arguments.Select(_ => AddressValue.Other)];
        var joined = values[argument].Join(AddressValue.Among(given));
        isNews |= !joined.SameAs(values[argument]);
        values[argument] = joined;
    }

    private void CallOwn(FlowState state, CodePlace callee, bool isTail)
    {
        for (var i = 0; i < arguments.Length; i++)
            Join(callee, i, OwnOf(state, state[arguments[i]]));
        PassOnStack(state, callee, isTail);

        var (first, second) = returned.GetValueOrDefault(callee, (AddressValue.Other, AddressValue.Other));
        var lost = Overwritten(callee);
        foreach (var register in callerSaved)
        {
            var value = register switch { Rax => first, Rdx => second, _ => AddressValue.Other };
            if (lost.Contains(register))
                state[register] = value;
            else if (!value.IsPlain)
                state[register] = value.Join(state[register]);
        }
    }

    // Where the callee finds its seventh argument and all behind it. How many it has nobody says.
    private void PassOnStack(FlowState state, CodePlace callee, bool isTail)
    {
        var further = state.Frame.Where(s => IsOutgoing(s.Offset, isTail) && !s.Value.IsPlain).ToList();
        if (state.Rsp is not { StackOffset: { } top, MayBeOther: false } || further.Exists(s => s.Offset is null))
        {
            foreach (var (_, value) in further)
                Escape(value.Own, EscapeWay.NotFollowed, into: guesses);
            return;
        }

        if (further.Count > 0 && !passedOnStack.ContainsKey(callee))
            passedOnStack[callee] = [];
        foreach (var (offset, value) in further)
        {
            var slots = passedOnStack[callee];
            var to = offset!.Value - top + (isTail ? 0 : 8);
            var old = slots.GetValueOrDefault(to, AddressValue.Other);
            var joined = old.Join(AddressValue.Among(OwnOf(state, value)));
            isNews |= !joined.SameAs(old);
            slots[to] = joined;
        }
    }

    // The registers of callerSaved that a function of the module may change. A compiler that sees the function may count on the others
    // (gcc's -fipa-ra).
    private HashSet<int> Overwritten(CodePlace function)
    {
        if (overwritten.TryGetValue(function, out var known))
            return known;
        var found = overwritten[function] = [];
        if (code.FunctionAt(function) is not { } body)
            return found;
        for (var next = code.At(body.Entry); next is not null && next.Place.Offset < body.End; next = code.At(next.Next))
        {
            foreach (var register in information.GetInfo(next.Code).GetUsedRegisters().Where(r => IsWritten(r.Access)))
            {
                if (Number(register.Register) is { } number)
                    found.Add(number);
            }

            if (next.Target is { } target && target != function && code.FunctionAt(target) is not null)
                found.UnionWith(Overwritten(target));
            else if (CallsC(next))
                found.UnionWith(callerSaved);
        }

        return found;
    }

    // An entry of pv_ops is called by inline assembly (arch/x86/include/asm/paravirt.h), straight from the variable.
    private static bool IsCallOfC(in Instruction call) =>
        call.Op0Kind == OpKind.Register || call.MemoryBase is not (Register.None or Register.RIP);

    private static bool CallsC(CodeInstruction instruction) => instruction.Code.FlowControl switch
    {
        FlowControl.IndirectCall => IsCallOfC(instruction.Code),
        FlowControl.Call or FlowControl.UnconditionalBranch or FlowControl.ConditionalBranch =>
            instruction.External is { } name && (!KnownCallees.IsAssembly(name) || KnownCallees.IsIndirectThunk(name)),
        _ => false,
    };

    // What an address leads to for somebody outside of the function.
    private IEnumerable<OwnAddress> OwnOf(FlowState state, AddressValue value)
    {
        if (!value.IsStack)
            return value.Own;
        if (!frames.TryGetValue(current.Entry, out var frame))
        {
            frame = new(AddressKind.Data, current.Name, current.Entry.Section, 0, 0) { Counts = false, IsFrame = true };
            frames[current.Entry] = frame;
        }

        state.IsFrameLent = true;
        foreach (var (_, held) in state.Frame.Where(IsInReach))
            isNews |= frame.Hold(held.IsStack ? held.Own.Add(frame) : held.Own);
        return value.Own.Add(frame);
    }

    // The arguments of a function lie in its frame for one that takes their address, or reads them.
    private bool IsInReach((long? Offset, AddressValue Value) slot) =>
        slot.Offset is null or < 0 || readsStackArguments.Contains(current.Entry);

    private void Pass(FlowState state, AddressValue value, string? to, bool copiesText = false)
    {
        Escape(value.Own.Where(o => !(copiesText && o.IsText)), EscapeWay.Passed, to);
        if (value.IsStack)
            GiveFrame(state, EscapeWay.Passed, to);
    }

    // A pointer to the frame lets whoever has it read all of it, and what is stored there later.
    private void GiveFrame(FlowState state, EscapeWay way, string? to)
    {
        var top = state.Rsp.StackOffset ?? long.MinValue;
        state.SharedFrom = state.SharedFrom is { } before ? Math.Min(before, top) : top;
        foreach (var (_, held) in state.Frame.Where(IsInReach))
            Escape(held.Own, way, to);
    }

    private void Return(FlowState state)
    {
        // A structure of 16 bytes comes back in both registers. What else is left in %rdx means nothing, and nobody says which it is. Behind
        // a call it is empty, and what may be in %rax as well is what that was chosen from (cmov).
        var first = state[Rax];
        var second = AddressValue.Among(state[Rdx].Own.Except(first.Own));
        if (isPatched(current.Entry))
        {
            Escape(first.Own, EscapeWay.Returned);
            Escape(second.Own, EscapeWay.Returned, into: guesses);
        }

        var (oldFirst, oldSecond) = returned.GetValueOrDefault(current.Entry, (AddressValue.Other, AddressValue.Other));
        first = oldFirst.Join(AddressValue.Among(first.Own));
        second = oldSecond.Join(AddressValue.Among(second.Own));
        isNews |= !first.SameAs(oldFirst) || !second.SameAs(oldSecond);
        returned[current.Entry] = (first, second);
    }

    private void Compute(FlowState state, CodeInstruction instruction)
    {
        var code = instruction.Code;
        switch (code.Mnemonic)
        {
            case Mnemonic.Nop or Mnemonic.Cmp or Mnemonic.Test or Mnemonic.Endbr64:
                break;
            case Mnemonic.Lea:
                var place = AddressOf(state, instruction);
                if (!code.IsIPRelativeMemoryOperand && (code.MemoryIndex != Register.None || IsFar(unchecked((long)code.MemoryDisplacement64))
                    || (instruction.Displacement is not null && code.MemoryBase != Register.None)))
                {
                    NoteComputed(place);
                }

                Set(state, code.Op0Register, place);
                break;
            case Mnemonic.Xor or Mnemonic.Sub when code is { Op0Kind: OpKind.Register, Op1Kind: OpKind.Register } && code.Op0Register == code.Op1Register:
                Set(state, code.Op0Register, AddressValue.Other);
                break;
            case Mnemonic.Mov:
                Store(state, instruction, Read(state, instruction, 1), code.Op0Kind);
                break;
            case Mnemonic.Add or Mnemonic.Sub when code.Op0Kind == OpKind.Register && IsImmediate(code.Op1Kind) && instruction.Immediate is null:
                var bytes = unchecked((long)code.GetImmediate(1));
                if (IsFar(bytes))
                    NoteComputed(Get(state, code.Op0Register));
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

    // No structure is that large.
    private static bool IsFar(long bytes) => bytes is < -LargestStructure or > LargestStructure;

    private void NoteComputed(AddressValue value)
    {
        foreach (var own in value.Own.Where(o => o is { Counts: true, Kind: AddressKind.Data or AddressKind.Constant }))
            computed.Add((current.Name, own.Name));
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

        NoteComputed(value);
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

        // What writes nowhere hands over to the machine what it read.
        if (!value.IsPlain && !KnownCallees.OnlyReads(code.Mnemonic) && !hidden.Exists(r => IsWritten(r.Access))
            && !Enumerable.Range(0, code.OpCount).Any(i => IsWritten(used.GetOpAccess(i))))
        {
            HandOver(state, value);
        }
    }

    private void HandOver(FlowState state, AddressValue value)
    {
        Escape(value.Own, EscapeWay.NotFollowed);
        if (value.IsStack)
            GiveFrame(state, EscapeWay.NotFollowed, null);
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
            HandOver(state, value);
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
    private AddressValue AddressOf(FlowState state, CodeInstruction instruction)
    {
        var code = instruction.Code;
        var value = instruction.Displacement is { } own ? AddressValue.Of(own) : AddressValue.Other;
        if (code.IsIPRelativeMemoryOperand)
            return value;
        var plainBase = code.MemoryBase == Register.None ? AddressValue.Other : Get(state, code.MemoryBase);
        if (code.MemoryIndex == Register.None && instruction.Displacement is null && code.MemoryBase != Register.None)
        {
            var there = plainBase.Plus(unchecked((long)code.MemoryDisplacement64));
            if (there is { IsStack: true, StackOffset: null or >= 8 })
                isNews |= readsStackArguments.Add(current.Entry);
            return there;
        }

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
        if (!value.IsPlain && !address.Own.IsEmpty)
        {
            var held = OwnOf(state, value);
            foreach (var own in address.Own)
                isNews |= own.Hold(held);
        }

        if (address.MayBeOther)
        {
            Escape(value.Own, EscapeWay.Stored);
            if (value.IsStack)
                GiveFrame(state, EscapeWay.Stored, null);
        }
    }

    private void StoreInFrame(FlowState state, long? offset, AddressValue value, bool isWhole)
    {
        state.StoreSlot(offset, value, isWhole);
        if (state.SharedFrom is { } from && !(offset < from))
            Escape(value.Own, EscapeWay.NotFollowed);
        if (state.IsFrameLent && !value.IsPlain && frames.TryGetValue(current.Entry, out var frame))
            isNews |= frame.Hold(OwnOf(state, value));
    }

    private void Escape(AddressValue held, EscapeWay way) => Escape(held.Own, way);

    private void Escape(
        IEnumerable<OwnAddress> addresses, EscapeWay way, string? to = null,
        Dictionary<(OwnAddress, EscapeWay, string), AddressEscape>? into = null)
    {
        foreach (var own in addresses.SelectMany(o => o.IsFrame ? o.HeldInFrames() : [o]).Where(o => o.Counts))
        {
            (into ?? escapes).TryAdd(
                (own, way, current.Name), new(current.Name, own.Name, own.Kind, way, to, at.Place.ToString()));
        }
    }
}
