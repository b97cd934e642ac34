using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Elivepatch.Terminal;

/// <summary>Shows the usual help of a verb, then its explanation and examples.</summary>
public sealed class VerbHelp(HelpAction usual) : SynchronousCommandLineAction
{
    /// <summary>Has help of every command shown by the one option of the root.</summary>
    public static void ShowFor(Command root)
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new VerbHelp((HelpAction)help.Action!);
    }

    /// <summary>Who asks for help need not have given the arguments.</summary>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var status = usual.Invoke(parseResult);
        if (parseResult.CommandResult.Command is not Verb verb)
        {
            return status;
        }

        var output = parseResult.InvocationConfiguration.Output;
        if (verb.Explanation.Length > 0)
        {
            foreach (var line in verb.Explanation.Split('\n'))
            {
                output.WriteLine(line.TrimEnd());
            }

            output.WriteLine();
        }
        if (verb.Examples.Count > 0)
        {
            output.WriteLine(verb.Examples.Count == 1 ? "Example:" : "Examples:");
            foreach (var example in verb.Examples)
            {
                output.WriteLine($"  {example.Command}");
                output.WriteLine($"      {example.Meaning}");
            }
        }
        return status;
    }
}
