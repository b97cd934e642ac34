namespace Elivepatch.Engine.SelfCheck;

/// <summary>What one rule found.</summary>
/// <param name="State">How it came out.</param>
/// <param name="Detail">What was looked at, what is wrong, or what is missing.</param>
internal sealed record RuleFinding(RuleState State, string Detail)
{
    /// <summary>So many faults are named, the others counted: a broken module may have a hundred thousand of one kind.</summary>
    private const int MostNamed = 5;

    public static RuleFinding Passed(string detail) => new(RuleState.Passed, detail);

    public static RuleFinding NotCheckable(string missing) => new(RuleState.NotCheckable, missing);

    /// <summary>Failed where there is a fault, else passed.</summary>
    public static RuleFinding Of(IEnumerable<string> faults, string passed)
    {
        var named = new List<string>();
        var others = 0;
        foreach (var fault in faults)
        {
            if (named.Count < MostNamed)
            {
                named.Add(fault);
            }
            else
            {
                others++;
            }
        }

        if (named.Count == 0)
        {
            return Passed(passed);
        }

        return new(RuleState.Failed, string.Join("; ", named) + (others > 0 ? $"; and {others} more" : ""));
    }

    /// <summary>Failed where there is a fault, else passed.</summary>
    public static RuleFinding Of(string? fault, string passed) => fault is null ? Passed(passed) : new(RuleState.Failed, fault);
}
