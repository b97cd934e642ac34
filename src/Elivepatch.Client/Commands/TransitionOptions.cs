using System.CommandLine;

namespace Elivepatch.Client.Commands;

/// <summary>What the verbs that change the running kernel have in common, in the same words.</summary>
internal static class TransitionOptions
{
    /// <summary>What the verbs that change the running kernel say of their exit statuses.</summary>
    public const string TryAgainStatus = """
        75 temporary failure: the same command, unchanged, may succeed later. The server is unreachable or busy, another
        elivepatch command is running, a transition has not completed, another tool's probe is in the way, or the disk is full.
        """;

    /// <summary><c>--transition-limit</c>.</summary>
    public static Option<int> Limit()
    {
        var option = new Option<int>("--transition-limit")
        {
            Description = "How long to wait for the transition to complete, in seconds; it continues after that.",
            HelpName = "SECONDS",
            DefaultValueFactory = _ => 60,
        };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > 86_400)
            {
                result.AddError("--transition-limit takes 0 to 86400 seconds");
            }
        });
        return option;
    }
}
