namespace Elivepatch.Server.State;

/// <summary>
/// A worker's hold on a build. It counts as long as nobody else takes the build up: with that the attempt becomes another one,
/// and what the former worker still has to say of the build is not taken.
/// </summary>
/// <param name="Build">The build's id.</param>
/// <param name="Worker">The worker's id, which is another one each time that it starts.</param>
/// <param name="Attempt">Which attempt at the build it is, from 1.</param>
public sealed record BuildLease(string Build, string Worker, int Attempt);

/// <summary>What came of taking a build up.</summary>
public enum BuildTaking
{
    /// <summary>It is the worker's now.</summary>
    Taken,

    /// <summary>Another worker has it and was heard of lately.</summary>
    Held,

    /// <summary>There is nothing to be done (any more).</summary>
    Over,
}
