using Elivepatch.Engine.Architectures;

namespace Elivepatch.Engine.Units;

/// <summary>
/// Finds the references of a piece of code whose address is compared: as the operand of the comparison itself, or by way of a
/// register that it was loaded into. A register is followed along the code as far as nobody else can have written it.
/// </summary>
internal static class ComparedAddresses
{
    /// <summary>The references among some of a piece's that a comparison uses.</summary>
    public static IReadOnlyList<Reference> In(Architecture architecture, Piece code, IReadOnlyList<Reference> references)
    {
        var byOffset = references.ToDictionary(r => code.Start + r.Offset);
        var compared = new List<Reference>();
        var held = new Dictionary<int, Reference>();
        foreach (var instruction in architecture.Decode(code.Section, code.Start, code.End).Where(i => i.IsValid))
        {
            var operation = instruction.Operation;
            var loaded = instruction.Immediate is { } immediate ? byOffset.GetValueOrDefault(immediate.Offset) : null;
            if (loaded is null && operation == Operation.LoadAddress && instruction.Displacement is { } displacement)
            {
                loaded = byOffset.GetValueOrDefault(displacement.Offset);
            }

            if (IsComparison(operation))
            {
                if (loaded is not null)
                {
                    compared.Add(loaded);
                }

                for (var i = 0; i < instruction.Operands.Count && held.Count > 0; i++)
                {
                    if (HeldIn(instruction.RegisterAt(i), held) is { } reference)
                    {
                        compared.Add(reference);
                    }
                }
            }

            var isMove =
                operation is Operation.Move or Operation.LoadAddress or Operation.ConditionalMove
                && instruction.RegisterAt(0).Exists;
            if (isMove && loaded is null)
            {
                loaded = HeldIn(instruction.RegisterAt(1), held);
            }

            if (held.Count > 0 && !(isMove && loaded is null && operation == Operation.ConditionalMove))
            {
                Forget(architecture.Calls, instruction, held);
            }

            if (isMove && loaded is not null)
            {
                held[instruction.RegisterAt(0).Number] = loaded;
            }
        }

        return [.. compared.Distinct()];
    }

    // Half a register holds no address.
    private static Reference? HeldIn(MachineRegister register, Dictionary<int, Reference> held) =>
        register.Size == sizeof(ulong) ? held.GetValueOrDefault(register.Number) : null;

    private static bool IsComparison(Operation operation) =>
        operation is Operation.Compare or Operation.Subtract or Operation.ExclusiveOr or Operation.CompareExchange;

    // Behind a jump another path may come in with something else in the register, but this one has the address still.
    private static void Forget(CallingConvention calls, MachineInstruction instruction, Dictionary<int, Reference> held)
    {
        if (instruction.Flow is ControlFlow.Jump or ControlFlow.Return or ControlFlow.IndirectJump)
        {
            held.Clear();
            return;
        }

        if (instruction.Flow is ControlFlow.Call or ControlFlow.IndirectCall)
        {
            foreach (var register in held.Keys.Where(r => !calls.IsKept(r)).ToList())
            {
                held.Remove(register);
            }

            return;
        }

        foreach (var used in instruction.Registers.Where(r => r.IsWritten))
        {
            held.Remove(used.Register.Number);
        }
    }
}
