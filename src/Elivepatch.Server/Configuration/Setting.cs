using System.Text.RegularExpressions;
using Elivepatch.Model;

namespace Elivepatch.Server.Configuration;

/// <summary>One setting: how each origin calls it, and how its text becomes a value.</summary>
/// <param name="Name">Its name in the configuration file.</param>
/// <param name="Form">What to write, in a word.</param>
/// <param name="Meaning">What it does, and what it is where nobody says anything.</param>
/// <param name="Apply">Puts a text into the options, or says why it cannot be one.</param>
internal sealed partial record Setting(
    string Name,
    string Form,
    string Meaning,
    Func<ServerOptions, string, Outcome<ServerOptions>> Apply
)
{
    /// <summary>What the names of all environment variables of the server begin with.</summary>
    public const string VariablePrefix = "ELIVEPATCHD_";

    /// <summary>Its environment variable.</summary>
    public string Variable => VariablePrefix + Capital().Replace(Name, "_$0").ToUpperInvariant();

    /// <summary>Its flag.</summary>
    public string Flag => "--" + Capital().Replace(Name, "-$0").ToLowerInvariant();

    [GeneratedRegex("[A-Z]")]
    private static partial Regex Capital();
}
