using System.Text.RegularExpressions;
using Elivepatch.Elf;
using Elivepatch.Engine.Architectures;
using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Tests;
using Xunit;

namespace Elivepatch.Engine.Tests.Architectures;

public partial class ArchitectureSeamTests
{
    private const string Home = "Elivepatch.Engine.Architectures";
    private const string Decoder = "Iced";

    private static readonly List<CompiledCode.UsedBy> engine = [.. CompiledCode.Read(typeof(Architecture).Assembly.Location)];

    [Fact]
    public void Nothing_but_an_architecture_uses_the_decoder()
    {
        string[] users = [.. engine.Where(t => t.Assemblies.Contains(Decoder)).Select(t => t.Namespace).Distinct()];
        Assert.Equal([Home + ".X8664"], users);
    }

    // What people are told of a failure may name a processor.
    [Fact]
    public void Nothing_but_an_architecture_names_a_processor()
    {
        var outside = engine.Where(t => !IsAtHome(t)).ToList();
        Assert.DoesNotContain(outside, t => Processor().IsMatch(t.Type));
        Assert.Empty(
            outside
                .Where(t => !t.Type.EndsWith("Problems", StringComparison.Ordinal))
                .SelectMany(t => t.Texts.Where(s => Processor().IsMatch(s)).Select(s => $"{t.Type}: {s}"))
        );
        Assert.DoesNotContain(CompiledCode.Read(typeof(ElfObject).Assembly.Location), t => Processor().IsMatch(t.Type));
    }

    [Fact]
    public void What_is_looked_for_is_found_where_it_is()
    {
        Assert.Contains(engine, t => t.Type == nameof(X8664Architecture) && IsAtHome(t));
        Assert.Contains(engine, t => t.Texts.Contains("__x86_return_thunk"));
    }

    // The architecture's own folder, and the list of those that there are.
    private static bool IsAtHome(CompiledCode.UsedBy type) =>
        type.Namespace.StartsWith(Home + ".", StringComparison.Ordinal) || type.Type == nameof(KnownArchitectures);

    [GeneratedRegex("x86|X86|amd64|Amd64|arm64|Arm64|aarch64|s390|ppc64|(?<![a-z])riscv", RegexOptions.CultureInvariant)]
    private static partial Regex Processor();
}
