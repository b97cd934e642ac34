namespace Elivepatch.Tests;

/// <summary>Tests that take longer than everybody's every change may: those of <c>./test --full</c>.</summary>
public static class FullRun
{
    public const string Reason = "it takes long: ./test --full runs it";

    public static bool IsAsked => Environment.GetEnvironmentVariable("ELIVEPATCH_FULL") == "1";
}
