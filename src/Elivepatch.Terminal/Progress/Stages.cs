// In: a long operation that tells its progress. Out: its result, unchanged. Somebody at a terminal sees each stage's line live; a
// log gets a line when a stage begins and one when it ends.

using Elivepatch.Model.Progress;

namespace Elivepatch.Terminal.Progress;

/// <summary>Shows the stages of a long operation on stderr.</summary>
public static class Stages
{
    /// <summary>Runs the operation and shows its stages.</summary>
    public static Task<T> ShowAsync<T>(Session session, Func<IProgress<StageEvent>, Task<T>> operation) =>
        session.IsTerminal
            ? LiveStages.ShowAsync(session.Error, operation)
            : operation(new PlainStages(session.Error, TimeProvider.System));
}
