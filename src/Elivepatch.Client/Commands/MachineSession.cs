using Elivepatch.Machine;
using Elivepatch.Terminal;

namespace Elivepatch.Client.Commands;

/// <summary>Where one run of a verb reads from and writes to, and the machine that it works on.</summary>
/// <param name="Output">Results, and nothing else.</param>
/// <param name="Error">Progress and problems.</param>
/// <param name="IsTerminal">True where somebody watches <paramref name="Error"/>.</param>
/// <param name="Machine">The machine.</param>
internal sealed record MachineSession(TextWriter Output, TextWriter Error, bool IsTerminal, MachineAccess Machine)
    : Session(Output, Error, IsTerminal, Machine.Variable)
{
    /// <summary>The session of this process, on this machine.</summary>
    public static new MachineSession OfProcess()
    {
        var process = Session.OfProcess();
        return new(process.Output, process.Error, process.IsTerminal, MachineAccess.OfProcess());
    }
}
