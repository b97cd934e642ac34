using Elivepatch.Model;

namespace Elivepatch.FixesBench;

/// <summary>Why nothing can be measured.</summary>
internal sealed class BenchFailure(string reason) : Exception(reason)
{
    /// <summary>The value of an outcome that has to be there.</summary>
    public static T Demand<T>(Outcome<T> outcome) =>
        outcome.TryGet(out var value) ? value : throw new BenchFailure(string.Join('\n', outcome.Problems));
}
