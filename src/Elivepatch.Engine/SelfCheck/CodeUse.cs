using Elivepatch.Elf;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>What an instruction does with the address that a relocated field of it gives.</summary>
internal enum AddressUse
{
    /// <summary>Calls it or jumps there.</summary>
    Branch,

    /// <summary>Reads or writes what lies there, without a register in the address.</summary>
    Access,

    /// <summary>The field is one part of an address; a register is the other.</summary>
    Indexed,

    /// <summary>Loads, adds, compares or stores the address itself.</summary>
    Value,
}

/// <summary>One relocated field of an instruction of the module.</summary>
/// <param name="Section">The relocation section.</param>
/// <param name="Relocation">The relocation.</param>
/// <param name="Function">Name of the function symbol that holds the instruction.</param>
/// <param name="Use">What is done with the address.</param>
/// <param name="Writes">True where memory at the address may be written.</param>
/// <param name="IsPerCpu">True where the address is an offset in the area of the running processor (segment GS).</param>
/// <param name="Bias">
/// For PC-relative fields the bytes from the field to the end of its instruction, which the addend allows for; else 0.
/// </param>
internal sealed record CodeUse(
    ElfRelocationSection Section,
    ElfRelocation Relocation,
    string Function,
    AddressUse Use,
    bool Writes,
    bool IsPerCpu,
    int Bias
)
{
    /// <summary>Bytes from the symbol to the address that is meant.</summary>
    public long Displacement => Relocation.Addend + Bias;
}
