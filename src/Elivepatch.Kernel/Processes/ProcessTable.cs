// In: /proc. Out: which process is whose child, and what each one uses. Everybody may read /proc/PID/stat, whatever the process
// has done to itself, so nobody can hide from this table.

using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Elivepatch.Kernel.Processes;

/// <summary>A process as <c>/proc/PID/stat</c> has it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Threads">How many threads it has.</param>
/// <param name="Memory">Bytes of its pages that are resident.</param>
internal readonly record struct ProcessUsage(int Id, long Threads, long Memory);

/// <summary>All processes of the machine at one moment.</summary>
internal sealed class ProcessTable
{
    // Fields of /proc/PID/stat (proc(5)), counted from the state, which is the first behind the name in parentheses.
    private const int ParentField = 1;
    private const int ThreadsField = 17;
    private const int ResidentField = 21;

    // Several sandboxes that are watched at once share a look.
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(25);
    private static readonly Lock Gate = new();
    private static (ProcessTable Table, long Taken)? latest;

    private readonly Dictionary<int, List<ProcessUsage>> children = [];

    private ProcessTable()
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            Add(folder);
        }

        Cost = Stopwatch.GetElapsedTime(start);
    }

    /// <summary>How long it took to look.</summary>
    public TimeSpan Cost { get; }

    /// <summary>A table that is at most a moment old.</summary>
    public static ProcessTable Snapshot()
    {
        lock (Gate)
        {
            if (latest is { } known && Stopwatch.GetElapsedTime(known.Taken) < Fresh)
            {
                return known.Table;
            }

            var table = new ProcessTable();
            latest = (table, Stopwatch.GetTimestamp());
            return table;
        }
    }

    /// <summary>
    /// The children of a process, theirs, and so on. Those whose parent has ended belong to the first of their name space.
    /// </summary>
    public IEnumerable<ProcessUsage> DescendantsOf(int process)
    {
        var pending = new Stack<int>([process]);
        while (pending.TryPop(out var parent))
        {
            foreach (var child in children.GetValueOrDefault(parent, []))
            {
                yield return child;
                pending.Push(child.Id);
            }
        }
    }

    private void Add(string folder)
    {
        if (!int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            return;
        }

        try
        {
            var text = Encoding.Latin1.GetString(File.ReadAllBytes(folder + "/stat"));
            // The name may have anything in it, parentheses too.
            var fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length <= ResidentField)
            {
                return;
            }

            var parent = (int)Number(fields[ParentField]);
            if (!children.TryGetValue(parent, out var siblings))
            {
                children[parent] = siblings = [];
            }

            siblings.Add(new(id, Number(fields[ThreadsField]), Number(fields[ResidentField]) * Environment.SystemPageSize));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended.
        }
    }

    private static long Number(string text) => long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
