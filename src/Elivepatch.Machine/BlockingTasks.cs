// In: /proc of a machine with a livepatch in transition. Out: the tasks that have not moved over, with the place in the kernel
// where each of them is: as long as a patched function is on that stack, the task cannot move.

using System.Globalization;
using Elivepatch.Model;

namespace Elivepatch.Machine;

/// <summary>The tasks that keep a transition from ending.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Tasks">The first of them.</param>
public sealed record BlockingTasks(int Count, IReadOnlyList<BlockingTask> Tasks)
{
    private const int MostShown = 20;
    private const int LongestStack = 40;

    /// <summary>Reads them.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="toLive">True where the tasks go over to the new functions, false where they leave them.</param>
    public static BlockingTasks Read(MachineFiles files, bool toLive)
    {
        // KLP_UNDEFINED (-1) is a task outside of any transition; 0 is unpatched, 1 patched.
        var before = toLive ? "0" : "1";
        var count = 0;
        var tasks = new List<BlockingTask>();
        foreach (var process in files.Folders("proc").Where(IsNumber))
        {
            foreach (var task in files.Folders($"proc/{process}/task").Where(IsNumber))
            {
                var folder = $"proc/{process}/task/{task}";
                if (files.ReadText($"{folder}/patch_state") != before)
                {
                    continue;
                }

                if (++count <= MostShown)
                {
                    tasks.Add(
                        new(
                            int.Parse(task, CultureInfo.InvariantCulture),
                            files.ReadText($"{folder}/comm") ?? "",
                            Stack(files, folder)
                        )
                    );
                }
            }
        }
        return new(count, tasks);
    }

    /// <summary>The tasks in a few words, <c>sleep (412), kworker/0:1 (9) and 3 more</c>.</summary>
    public string Names()
    {
        const int most = 3;
        var named = string.Join(", ", Tasks.Take(most).Select(t => $"{t.Name} ({t.Id})"));
        return Count > most ? $"{named} and {Count - most} more" : named;
    }

    /// <summary>The tasks with their stacks, a line each.</summary>
    public IEnumerable<string> Lines()
    {
        foreach (var task in Tasks)
        {
            yield return $"task {task.Id} ({task.Name})";
            foreach (var frame in task.Stack)
            {
                yield return $"  {frame}";
            }
        }
        if (Count > Tasks.Count)
        {
            yield return $"and {Count - Tasks.Count} more tasks";
        }
    }

    private static string[] Stack(MachineFiles files, string folder) =>
        [.. Lines(files.ReadText($"{folder}/stack") ?? "").Take(LongestStack).Select(Frame)];

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    // The kernel writes `[<0>] function+0x1/0x2`: the address is not shown to anybody.
    private static string Frame(string line) => line.StartsWith("[<0>] ", StringComparison.Ordinal) ? line[6..] : line;

    private static bool IsNumber(string name) => name.Length is > 0 and < 10 && name.All(char.IsAsciiDigit);
}
