using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>One rule: what a kernel accepts.</summary>
/// <param name="Id">Stable name.</param>
/// <param name="Title">The rule as a sentence.</param>
/// <param name="Code">The failure where a module breaks it.</param>
/// <param name="Check">Looks whether a module keeps it.</param>
internal sealed record ModuleRule(string Id, string Title, ProblemCode Code, Func<RuleContext, RuleFinding> Check)
{
    public RuleResult Apply(RuleContext context)
    {
        var (state, detail) = Check(context);
        return new(Id, Title, state, detail, state == RuleState.Failed ? new(Code, $"{Title}: {detail} (rule {Id})") : null);
    }
}
