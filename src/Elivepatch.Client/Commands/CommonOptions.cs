using System.CommandLine;

namespace Elivepatch.Client.Commands;

/// <summary>Options that several verbs have, described in the same words.</summary>
internal static class CommonOptions
{
    /// <summary><c>--json</c>.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Write the result to stdout as JSON; problems as an array." };

    /// <summary><c>-k</c>.</summary>
    public static Option<string> Kernel() => new("--kernel", "-k")
    {
        Description = "The kernel, as `elivepatch kernel list` names it; its build-id will do as well.",
        HelpName = "KERNEL",
        Required = true,
    };
}
