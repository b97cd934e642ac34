using Elivepatch.Model;

namespace Elivepatch.Engine.SelfCheck;

/// <summary>One rule and how a module keeps it.</summary>
/// <param name="Id">Stable name of the rule, such as <c>relocation-field-zero</c>.</param>
/// <param name="Title">The rule as a sentence.</param>
/// <param name="State">How it came out.</param>
/// <param name="Detail">What was looked at, what is wrong, or what is missing to tell.</param>
/// <param name="Problem">The failure; null unless <see cref="State"/> is <see cref="RuleState.Failed"/>.</param>
public sealed record RuleResult(string Id, string Title, RuleState State, string Detail, Problem? Problem);
