using Elivepatch.Kernel.Build;
using Elivepatch.Model.Explanations;
using Elivepatch.Model.Statements;

namespace Elivepatch.Author.Output;

/// <summary>How long a stage took.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Seconds">Its time.</param>
internal sealed record Timing(string Stage, double Seconds);

/// <summary>A finished livepatch as scripts read it.</summary>
/// <param name="File">Where the module was written.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Name">Module name.</param>
/// <param name="Release">Kernel release.</param>
/// <param name="BuildId">Build-id of the running kernel.</param>
/// <param name="Replace">True if it replaces all other livepatches.</param>
/// <param name="Units">Translation units with the level of their verification.</param>
/// <param name="Functions">Functions with their reasons.</param>
/// <param name="Data">Data it brings.</param>
/// <param name="References">What it refers to in the running kernel.</param>
/// <param name="Statements">What the author stated and it rests on, each with its reason.</param>
/// <param name="Warnings">What the compiler says of the patched units alone.</param>
/// <param name="Timings">Stages with their times, where they were asked for; else null.</param>
internal sealed record BuildReport(
    string File,
    long Size,
    string Name,
    string Release,
    string BuildId,
    bool Replace,
    IReadOnlyList<ExplainedUnit> Units,
    IReadOnlyList<ExplainedFunction> Functions,
    IReadOnlyList<ExplainedData> Data,
    IReadOnlyList<ExplainedReference> References,
    IReadOnlyList<AuthorStatement> Statements,
    IReadOnlyList<string> Warnings,
    IReadOnlyList<Timing>? Timings
)
{
    /// <summary>Why its module stays in memory after it was disabled; empty where it can be unloaded.</summary>
    public IReadOnlyList<ExplainedEscape> KeptInMemory { get; init; } = [];

    /// <summary>The objects of the kernel that it patches.</summary>
    public IReadOnlyList<ExplainedObject> Objects { get; init; } = [];

    /// <summary>Files that the patches change and that no code of this kernel comes from, or none that differs.</summary>
    public IReadOnlyList<string> FilesWithoutCode { get; init; } = [];

    /// <summary>What of the patches has no effect in a livepatch and is not in it.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>Gathers the report.</summary>
    public static BuildReport Of(BuildResult result, string path, bool withTimings)
    {
        var explanation = result.Explanation;
        return new(
            path,
            result.Module.LongLength,
            explanation.Name,
            explanation.Release,
            explanation.BuildId,
            explanation.Replace,
            explanation.Units,
            explanation.Functions,
            explanation.Data,
            explanation.References,
            explanation.Statements,
            result.Warnings,
            withTimings ? [.. result.Timings.Select(t => new Timing(t.Stage, Math.Round(t.Elapsed.TotalSeconds, 3)))] : null
        )
        {
            KeptInMemory = explanation.KeptInMemory,
            Objects = explanation.Objects,
            FilesWithoutCode = explanation.FilesWithoutCode,
            LeftOut = explanation.LeftOut,
        };
    }
}
