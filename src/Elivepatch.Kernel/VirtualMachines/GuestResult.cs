using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>What a guest left, however it ended.</summary>
public sealed record GuestResult
{
    private const int TailLines = 25;

    /// <summary>How it ended.</summary>
    public required GuestEnding Ending { get; init; }

    /// <summary>The exit status of the job's script; -1 where it did not come to its end.</summary>
    public required int ExitStatus { get; init; }

    /// <summary>Events and output in the order in which they came.</summary>
    public required IReadOnlyList<GuestEvent> Events { get; init; }

    /// <summary>The kernel's messages: in boot only warnings and worse, then all.</summary>
    public required string Console { get; init; }

    /// <summary>What the guest left in <c>/out</c>, by relative path; empty unless it finished.</summary>
    public required IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Files { get; init; }

    /// <summary>Wall-clock time from power-on to the end.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>What marks our lines in the console: <c>elivepatch NONCE WORD...</c>.</summary>
    public required string Nonce { get; init; }

    /// <summary>All that the job's script printed.</summary>
    public string Output => string.Concat(Events.Where(e => e.IsOutput).Select(e => e.Text + "\n"));

    /// <summary>The last lines of the console.</summary>
    public string ConsoleTail =>
        string.Join('\n', KernelLog.RemoveRegisters(KernelLog.RemoveMarks(Console.Split('\n'), Nonce)).TakeLast(TailLines));

    /// <summary>
    /// The kernel gave up before init because the emulator, on a busy machine, was too late with the timer interrupt that it
    /// tests for (<c>check_timer</c>, arch/x86/kernel/apic/io_apic.c). That says nothing about the job, which can be tried again.
    /// </summary>
    internal bool LostTimer =>
        Ending == GuestEnding.DidNotStart && Console.Contains("IO-APIC + timer doesn't work", StringComparison.Ordinal);

    /// <summary>
    /// KVM could not run the guest's kernel. That says nothing about the job, which can be tried again without.
    /// </summary>
    internal bool KvmFailed { get; init; }

    /// <summary>Why the guest is not one that finished; null where it did.</summary>
    public Problem? Failure =>
        Ending switch
        {
            GuestEnding.Finished => null,
            GuestEnding.DidNotStart => new(
                VirtualMachineProblems.GuestDidNotStart,
                $"init was not run within {Duration.TotalSeconds:0} s; console:\n{ConsoleTail}"
            ),
            GuestEnding.Died => new(
                VirtualMachineProblems.GuestDied,
                $"it ended after {Duration.TotalSeconds:0} s; console:\n{ConsoleTail}"
            ),
            GuestEnding.TimedOut => new(
                VirtualMachineProblems.GuestTimedOut,
                $"killed after {Duration.TotalSeconds:0} s; console:\n{ConsoleTail}"
            ),
            GuestEnding.OutputTooLarge => new(
                VirtualMachineProblems.GuestOutputTooLarge,
                $"killed after {Duration.TotalSeconds:0} s; console:\n{ConsoleTail}"
            ),
            _ => new(VirtualMachineProblems.GuestAnswerMalformed, $"its files did not come whole; console:\n{ConsoleTail}"),
        };

    /// <summary>This result, or a problem where the guest did not finish or its script had another status than 0.</summary>
    public Outcome<GuestResult> RequireSuccess()
    {
        if (Failure is { } failure)
        {
            return failure;
        }

        if (ExitStatus != 0)
        {
            return new Problem(
                VirtualMachineProblems.GuestScriptFailed,
                $"exit status {ExitStatus}:\n{string.Join('\n', Output.TrimEnd().Split('\n').TakeLast(TailLines))}"
            );
        }

        return this;
    }

    /// <summary>Writes the guest's files below a folder, for code that reads a machine from a root folder.</summary>
    public void WriteFiles(string folder)
    {
        foreach (var (path, content) in Files)
        {
            var target = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var file = File.Create(target);
            file.Write(content.Span);
        }
    }
}
