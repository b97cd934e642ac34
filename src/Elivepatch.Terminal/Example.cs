namespace Elivepatch.Terminal;

/// <summary>One example in a verb's help.</summary>
/// <param name="Command">What to type.</param>
/// <param name="Meaning">What it does.</param>
public sealed record Example(string Command, string Meaning);
