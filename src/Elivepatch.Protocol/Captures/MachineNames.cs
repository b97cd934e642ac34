using System.Runtime.InteropServices;

namespace Elivepatch.Protocol.Captures;

/// <summary>What <c>uname -m</c> says on machines that captures come from.</summary>
public static class MachineNames
{
    /// <summary>x86-64.</summary>
    public const string X8664 = "x86_64";

    /// <summary>That of this machine; what .NET calls its processor where no captures come from such.</summary>
    public static string Here { get; } =
        RuntimeInformation.OSArchitecture is Architecture.X64 ? X8664 : RuntimeInformation.OSArchitecture.ToString();
}
