using Iced.Intel;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Finds the references of a piece of code whose address is compared: as the operand of the comparison itself, or by way of a register
/// that it was loaded into. A register is followed along the code as far as nobody else can have written it.
/// </summary>
internal static class ComparedAddresses
{
    /// <summary>The references among some of a piece's that a comparison uses.</summary>
    public static IReadOnlyList<Reference> In(Piece code, IReadOnlyList<Reference> references)
    {
        var byOffset = references.ToDictionary(r => code.Start + r.Offset);
        var compared = new List<Reference>();
        var held = new Dictionary<Register, Reference>();
        var factory = new InstructionInfoFactory();
        foreach (var (instruction, constants) in InstructionFields.Decode(code.Section, code.Start, code.End))
        {
            var loaded = constants.HasImmediate ? byOffset.GetValueOrDefault(instruction.IP + constants.ImmediateOffset) : null;
            loaded ??= constants.HasDisplacement && instruction.Mnemonic == Mnemonic.Lea
                ? byOffset.GetValueOrDefault(instruction.IP + constants.DisplacementOffset)
                : null;
            if (IsComparison(instruction.Mnemonic))
            {
                if (loaded is not null)
                    compared.Add(loaded);
                for (var i = 0; i < instruction.OpCount && held.Count > 0; i++)
                {
                    if (instruction.GetOpKind(i) == OpKind.Register && held.TryGetValue(instruction.GetOpRegister(i), out var reference))
                        compared.Add(reference);
                }
            }

            var isMove = instruction.Mnemonic is Mnemonic.Mov or Mnemonic.Lea or (>= Mnemonic.Cmova and <= Mnemonic.Cmovs)
                && instruction.Op0Kind == OpKind.Register;
            if (isMove && loaded is null && instruction.Op1Kind == OpKind.Register)
                loaded = held.GetValueOrDefault(instruction.Op1Register);
            if (held.Count > 0 && !(isMove && loaded is null && instruction.Mnemonic is not (Mnemonic.Mov or Mnemonic.Lea)))
                Forget(instruction, held, factory);
            if (isMove && loaded is not null)
                held[instruction.Op0Register.GetFullRegister()] = loaded;
        }

        return [.. compared.Distinct()];
    }

    private static bool IsComparison(Mnemonic mnemonic) => mnemonic is Mnemonic.Cmp or Mnemonic.Sub or Mnemonic.Xor or Mnemonic.Cmpxchg;

    private static bool IsKeptByCalls(Register register) =>
        register is Register.RBX or Register.RBP or Register.R12 or Register.R13 or Register.R14 or Register.R15;

    // Behind a jump another path may come in with something else in the register, but this one has the address still.
    private static void Forget(in Instruction instruction, Dictionary<Register, Reference> held, InstructionInfoFactory factory)
    {
        if (instruction.FlowControl is FlowControl.UnconditionalBranch or FlowControl.Return or FlowControl.IndirectBranch)
        {
            held.Clear();
            return;
        }

        if (instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall)
        {
            foreach (var register in held.Keys.Where(r => !IsKeptByCalls(r)).ToList())
                held.Remove(register);
            return;
        }

        foreach (var used in factory.GetInfo(instruction).GetUsedRegisters())
        {
            if (used.Access is OpAccess.Write or OpAccess.ReadWrite or OpAccess.CondWrite or OpAccess.ReadCondWrite)
                held.Remove(used.Register.GetFullRegister());
        }
    }
}
