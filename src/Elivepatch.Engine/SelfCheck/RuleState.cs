namespace Elivepatch.Engine.SelfCheck;

/// <summary>How a rule came out.</summary>
public enum RuleState
{
    /// <summary>The module keeps it.</summary>
    Passed,

    /// <summary>The module breaks it.</summary>
    Failed,

    /// <summary>Something that is needed to tell is not known.</summary>
    NotCheckable,
}
