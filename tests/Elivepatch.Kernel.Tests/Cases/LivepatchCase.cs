using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Statements;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace Elivepatch.Kernel.Tests.Cases;

/// <summary>One end-to-end case, as its folder below <c>tests/Cases</c> says it; the format is in the README there.</summary>
public sealed class LivepatchCase
{
    // A field that nobody knows is an error.
    private static readonly IDeserializer format = new DeserializerBuilder()
        .WithNamingConvention(CamelCaseNamingConvention.Instance)
        .WithDuplicateKeyChecking()
        .Build();

    /// <summary>Where the cases lie.</summary>
    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "Cases");

    /// <summary>
    /// All cases in the order of their names; for somebody who works on one, those whose names begin with one of the words in
    /// <c>ELIVEPATCH_CASES</c>.
    /// </summary>
    public static IReadOnlyList<LivepatchCase> All { get; } =
    [.. Directory.EnumerateDirectories(Root).Order(StringComparer.Ordinal).Select(Read).Where(IsAskedFor)];

    /// <summary>What is shown, as a sentence.</summary>
    public string Title { get; set; } = "";

    /// <summary>The series of kernels that the patches are for.</summary>
    public List<string> Kernels { get; set; } = [];

    /// <summary>The processors, as <c>uname -m</c> prints them.</summary>
    public List<string> Architectures { get; set; } = [];

    /// <summary>What is patched: <c>vmlinux</c>, or names of modules.</summary>
    public List<string> Objects { get; set; } = [];

    public List<string> Patches { get; set; } = [];

    public string? Statements { get; set; }

    public string? Script { get; set; }

    public CaseExpectation Expect { get; set; } = new();

    public List<string> Units { get; set; } = [];

    public string? Replaces { get; set; }

    public bool OwnBoot { get; set; }

    public List<string> ExpectedWarnings { get; set; } = [];

    public string Needs { get; set; } = "";

    public string Notes { get; set; } = "";

    /// <summary>The folder.</summary>
    [YamlIgnore]
    public string Folder { get; private set; } = "";

    /// <summary>Name of the folder.</summary>
    public string Name => Path.GetFileName(Folder);

    /// <summary>The patches' files, in the order in which they are applied.</summary>
    public IReadOnlyList<string> PatchFiles => [.. Patches.Select(p => Path.Combine(Folder, p))];

    public IReadOnlyList<string> Programs => [.. Directory.EnumerateFiles(Folder, "*.c").Order(StringComparer.Ordinal)];

    /// <summary>What the author of its patches states.</summary>
    public AuthorStatements ReadStatements() =>
        Statements is { } file
            ? StockKernel.Get(StatementsFile.Parse(File.ReadAllBytes(Path.Combine(Folder, file)), file))
            : AuthorStatements.None;

    /// <summary>The script that runs in the guest; null where the livepatch is not loaded.</summary>
    public string? ScriptFile => Script is { } file ? Path.Combine(Folder, file) : null;

    public static LivepatchCase Named(string name) => All.Single(c => c.Name == name);

    private static LivepatchCase Read(string folder)
    {
        var read = format.Deserialize<LivepatchCase>(File.ReadAllText(Path.Combine(folder, "case.yaml")));
        read.Folder = folder;
        return read;
    }

    private static bool IsAskedFor(LivepatchCase one) =>
        Environment.GetEnvironmentVariable("ELIVEPATCH_CASES") is not { Length: > 0 } asked
        || asked.Split(' ').Any(word => one.Name.StartsWith(word, StringComparison.Ordinal));
}
