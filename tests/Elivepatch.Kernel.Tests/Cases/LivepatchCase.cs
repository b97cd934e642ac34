using System.Text.Json;
using Elivepatch.Engine.Statements;
using Elivepatch.Protocol.Statements;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>One end-to-end case, as its folder below <c>tests/Cases</c> says it; the format is in the README there.</summary>
public sealed record LivepatchCase
{
    private static readonly JsonSerializerOptions format = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>Where the cases lie.</summary>
    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "Cases");

    /// <summary>
    /// All cases in the order of their names; for somebody who works on one, those whose names begin with one of the words in
    /// <c>ELIVEPATCH_CASES</c>.
    /// </summary>
    public static IReadOnlyList<LivepatchCase> All { get; } =
        [.. Directory.EnumerateDirectories(Root).Order(StringComparer.Ordinal).Select(Read).Where(IsAskedFor)];

    public required string Title { get; init; }

    public required CaseExpectation Expect { get; init; }

    public IReadOnlyList<string> Units { get; init; } = [];

    public string? Replaces { get; init; }

    public bool OwnBoot { get; init; }

    public IReadOnlyList<string> ExpectedWarnings { get; init; } = [];

    public string Needs { get; init; } = "";

    public string Notes { get; init; } = "";

    /// <summary>The folder.</summary>
    public string Folder { get; private init; } = "";

    /// <summary>Name of the folder.</summary>
    public string Name => Path.GetFileName(Folder);

    public IReadOnlyList<string> Patches => [.. Files("*.patch")];

    public IReadOnlyList<string> Programs => [.. Files("*.c")];

    /// <summary>What the author of its patches states; nothing where there is no <c>statements.yaml</c>.</summary>
    public AuthorStatements Statements => File.Exists(Path.Combine(Folder, "statements.yaml"))
        ? StockKernel.Get(StatementsFile.Parse(File.ReadAllBytes(Path.Combine(Folder, "statements.yaml")), "statements.yaml"))
        : AuthorStatements.None;

    public string Script => Path.Combine(Folder, "script.sh");

    public static LivepatchCase Named(string name) => All.Single(c => c.Name == name);

    private static LivepatchCase Read(string folder) =>
        JsonSerializer.Deserialize<LivepatchCase>(File.ReadAllText(Path.Combine(folder, "case.json")), format)! with { Folder = folder };

    private static bool IsAskedFor(LivepatchCase one) => Environment.GetEnvironmentVariable("ELIVEPATCH_CASES") is not { Length: > 0 } asked
        || asked.Split(' ').Any(word => one.Name.StartsWith(word, StringComparison.Ordinal));

    private IEnumerable<string> Files(string pattern) => Directory.EnumerateFiles(Folder, pattern).Order(StringComparer.Ordinal);
}
