namespace Elivepatch.Model;

/// <summary>A task that kept a transition from ending.</summary>
/// <param name="Id">Its thread id.</param>
/// <param name="Name">Its name, <c>/proc/ID/comm</c>.</param>
/// <param name="Stack">Its kernel stack, innermost function first.</param>
public sealed record BlockingTask(int Id, string Name, IReadOnlyList<string> Stack);
