namespace Elivepatch.Bench;

/// <summary>What a run of the benchmark found.</summary>
/// <param name="Machine">The machine and its load at the start.</param>
/// <param name="LoadAtEnd">The load at the end.</param>
/// <param name="Kernel">The kernel.</param>
/// <param name="Compiler">Its compiler.</param>
/// <param name="Runs">How often everything was measured.</param>
/// <param name="Cases">The cases.</param>
internal sealed record BenchResult(
    Machine Machine,
    double LoadAtEnd,
    string Kernel,
    string Compiler,
    int Runs,
    IReadOnlyList<CaseResult> Cases
);
