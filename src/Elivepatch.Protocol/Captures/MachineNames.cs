namespace Elivepatch.Protocol.Captures;

/// <summary>What <c>uname -m</c> says on machines that captures come from.</summary>
public static class MachineNames
{
    /// <summary>x86-64.</summary>
    public const string X8664 = "x86_64";
}
