using System.Globalization;
using System.Text;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Model;

namespace Elivepatch.Kernel.VirtualMachines;

/// <summary>What one boot is to do: the cases from one on, as the files that <c>trial.sh</c> reads.</summary>
internal sealed class TrialPlan
{
    /// <summary>Name of the livepatch that takes the place of those tried and changes nothing.</summary>
    public const string Neutral = "elivepatch_neutral";

    /// <summary>Name under which the last livepatch is loaded once more, to be disabled.</summary>
    public const string Again = "elivepatch_again";

    private const int FixedWaits = 30; // seconds that trial.sh waits for modules to go, a module

    // In the image that the guest unpacks, as a file, as the loader reads it, and loaded.
    private const int CopiesOfTarget = 4;

    public TrialPlan(
        IReadOnlyList<TrialCase> cases,
        IReadOnlyList<IReadOnlyList<TrialModule>> modules,
        IReadOnlyList<IReadOnlyList<TrialTarget>> targets,
        int first
    )
    {
        var lines = new StringBuilder();
        var files = new List<GuestFile>();
        for (var i = first; i < cases.Count; i++)
        {
            var trial = cases[i];
            lines.Append(CultureInfo.InvariantCulture, $"{i} {Seconds(trial.TransitionTimeout)} {Seconds(trial.ScriptTimeout)}");
            lines.AppendJoin("", modules[i].Select(m => $" {(m.IsKept ? "+" : "")}{m.Name}")).Append('\n');
            files.AddRange(modules[i].Select((m, position) => new GuestFile($"{i}/modules/{position + 1}.ko", m.Content)));
            if (NeutralLivepatchesFor(modules[i]) is { } standIns)
            {
                files.Add(new($"{i}/modules/{Neutral}.ko", standIns.Neutral));
                files.Add(new($"{i}/modules/{Again}.ko", standIns.Again));
            }
            files.AddRange(trial.Files.Select(f => f with { Path = $"{i}/{f.Path}" }));
            if (trial.Script is not null)
            {
                files.Add(GuestFile.Text($"{i}/script", trial.Script));
            }

            if (targets[i].Count > 0)
            {
                var list = targets[i].Select(t => $"{t.Name} {(t.IsPatched ? "patched" : "needed")}\n");
                files.Add(GuestFile.Text($"{i}/targets/list", string.Concat(list)));
                files.AddRange(targets[i].Select(t => new GuestFile($"{i}/targets/{t.Name}.ko", t.Content)));
            }

            LongestDuration += Longest(trial) + TimeSpan.FromSeconds(FixedWaits * targets[i].Count);
            LongestPhase = Max(LongestPhase, Max(trial.TransitionTimeout, trial.ScriptTimeout));
        }
        TargetMemory = (int)(targets.Skip(first).SelectMany(t => t).Sum(t => (long)t.Content.Length) * CopiesOfTarget >> 20);
        files.Add(GuestFile.Text("plan", lines.ToString()));
        Files = files;
    }

    /// <summary>The files for the guest.</summary>
    public IReadOnlyList<GuestFile> Files { get; }

    /// <summary>How much memory the modules of the kernel want beside everything else, in MiB.</summary>
    public int TargetMemory { get; }

    /// <summary>How long all cases may take by their own limits.</summary>
    public TimeSpan LongestDuration { get; }

    /// <summary>The longest that the guest may be silent.</summary>
    public TimeSpan LongestPhase { get; }

    /// <summary>Says what is wrong with cases, or null.</summary>
    public static Problem? Check(IReadOnlyList<TrialCase> cases)
    {
        if (cases.Count == 0)
        {
            return new(VirtualMachineProblems.TrialInvalid, "there is no case");
        }

        foreach (var trial in cases)
        {
            if (trial.Modules.Count == 0)
            {
                return new(VirtualMachineProblems.TrialInvalid, $"case '{trial.Name}' has no module");
            }

            if (trial.TransitionTimeout < TimeSpan.FromSeconds(1) || trial.ScriptTimeout < TimeSpan.FromSeconds(1))
            {
                return new(VirtualMachineProblems.TrialInvalid, $"case '{trial.Name}' has a time limit below one second");
            }

            if (trial.Files.FirstOrDefault(f => f.Path is "script" || IsOurs(f.Path)) is { } taken)
            {
                return new(
                    VirtualMachineProblems.TrialInvalid,
                    $"case '{trial.Name}' has a file in the place of our own: {taken.Path}"
                );
            }
        }
        return null;
    }

    /// <summary>
    /// The livepatches that are loaded after those tried: one that replaces them, and the last one again. Null where the former
    /// cannot be made.
    /// </summary>
    public static (byte[] Neutral, byte[] Again)? NeutralLivepatchesFor(IReadOnlyList<TrialModule> modules) =>
        modules[^1].Content is { Length: > 0 } last && NeutralLivepatch.Create(last, Neutral) is { } neutral
            ? (neutral, NeutralLivepatch.Rename(last, Again))
            : null;

    private static bool IsOurs(string path) =>
        path.StartsWith("modules/", StringComparison.Ordinal) || path.StartsWith("targets/", StringComparison.Ordinal);

    private static TimeSpan Longest(TrialCase trial) =>
        (trial.ScriptTimeout * (trial.Modules.Count + 3))
        + (trial.TransitionTimeout * (trial.Modules.Count * 2 + 4))
        + TimeSpan.FromSeconds(FixedWaits * (trial.Modules.Count + 2));

    private static long Seconds(TimeSpan time) => (long)Math.Ceiling(time.TotalSeconds);

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
