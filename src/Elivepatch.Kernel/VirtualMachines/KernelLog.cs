// In: lines of a kernel's console. Out: what in them says that something went wrong. The words are those that the kernel prints
// (kernel/panic.c, lib/bug.c, kernel/hung_task.c, kernel/watchdog.c, kernel/rcu/tree_stall.h, arch/x86/mm/fault.c,
// mm/kasan/report.c).

using System.Globalization;
using System.Text.RegularExpressions;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>Finds complaints in a kernel's log.</summary>
internal static partial class KernelLog
{
    private const int LongestTrace = 100;
    private const int LongestComplaint = 30;
    private const int MostComplaints = 10;

    /// <summary>The complaints, each with the lines that belong to it.</summary>
    public static IReadOnlyList<string> FindComplaints(IReadOnlyList<string> lines)
    {
        var complaints = new List<string>();
        for (var i = 0; i < lines.Count && complaints.Count < MostComplaints; i++)
        {
            if (!Complaint().IsMatch(lines[i]))
            {
                continue;
            }

            var end = lines.Skip(i).Take(LongestTrace).ToList().FindIndex(l => l.Contains("---[ end ", StringComparison.Ordinal));
            var length = Math.Min(end < 0 ? LongestTrace : end + 1, lines.Count - i);
            complaints.Add(string.Join('\n', RemoveRegisters(lines.Skip(i).Take(length)).Take(LongestComplaint)));
            i += length - 1;
        }
        return complaints;
    }

    /// <summary>
    /// The seconds between "starting patching transition" and "patching complete" (kernel/livepatch/transition.c), added up. A
    /// short transition ends before the call that loads the module does, so only the log tells how long it took.
    /// </summary>
    public static double TransitionSeconds(IReadOnlyList<string> lines)
    {
        var total = 0.0;
        double? start = null;
        foreach (var match in lines.Select(l => Transition().Match(l)).Where(m => m.Success))
        {
            var time = double.Parse(match.Groups[1].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
            if (match.Groups[2].ValueSpan is not "patching complete")
            {
                start = time;
            }
            else if (start is { } started)
            {
                total += time - started;
            }
        }
        return Math.Round(total, 2);
    }

    /// <summary>The lines without what nobody reads before the trace: registers and code bytes.</summary>
    public static IEnumerable<string> RemoveRegisters(IEnumerable<string> lines) => lines.Where(l => !Registers().IsMatch(l));

    /// <summary>
    /// The lines that are messages of the kernel, without carriage returns and without those of <paramref name="nonce"/>.
    /// </summary>
    public static IReadOnlyList<string> RemoveMarks(IEnumerable<string> lines, string nonce) =>
        [.. lines.Where(l => l.Length > 0 && !l.Contains($"elivepatch {nonce} ", StringComparison.Ordinal))];

    [GeneratedRegex(
        @"\bBUG\b|\bWARNING:|\bOops\b|Kernel panic|Call Trace:|KASAN|KCSAN|KMSAN|UBSAN|general protection fault|double fault|"
            + @"unable to handle|\bINFO: (task|rcu|possible|trying|suspicious)|rcu:.*\b(stall|starved)|soft lockup|hard LOCKUP|"
            + @"refcount_t:|list_(add|del) corruption|invalid opcode: |divide error: |suspicious RCU usage|unchecked MSR|"
            + @"-+\[ cut here \]-+|stack-protector|detected buffer overflow|CFI failure|Missing ENDBR|#(GP|UD|DF|CP)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
    )]
    private static partial Regex Complaint();

    [GeneratedRegex(@"\] (R[A-Z0-9]{1,2}|[CDEFG]S|CR\d|DR\d|PKRU|Code|FS|ORIG_RAX): |\] RSP: ", RegexOptions.NonBacktracking)]
    private static partial Regex Registers();

    [GeneratedRegex(
        @"^\[ *(\d{1,9}\.\d{1,6})\].* livepatch: '[^']*': (starting patching transition|patching complete)$",
        RegexOptions.NonBacktracking
    )]
    private static partial Regex Transition();
}
