using System.Text.RegularExpressions;
using Elivepatch.Kernel.Architectures;
using Xunit;

namespace Elivepatch.Kernel.Tests.Architectures;

public partial class ArchitectureSeamTests
{
    private const string Home = "Elivepatch.Kernel.Architectures";

    // What people are told of a failure may name a processor.
    [Fact]
    public void Nothing_but_an_architecture_names_a_processor()
    {
        List<CompiledCode.UsedBy> types = [.. CompiledCode.Read(typeof(KernelArchitecture).Assembly.Location)];
        Assert.Empty(
            types
                .Where(t => t.Namespace != Home && !t.Type.EndsWith("Problems", StringComparison.Ordinal))
                .SelectMany(t =>
                    t.Texts.Append(t.Type).Where(s => Processor().IsMatch(s)).Select(s => $"{t.Namespace}.{t.Type}: {s}")
                )
        );
        Assert.Contains(types, t => t.Namespace == Home && t.Texts.Exists(s => Processor().IsMatch(s)));
    }

    [Theory]
    [InlineData("x86_64", true)]
    [InlineData("aarch64", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void A_machine_is_known_by_its_name(string? machine, bool isKnown) =>
        Assert.Equal(isKnown, KernelArchitectures.Of(machine) is not null);

    [GeneratedRegex("x86|X86|amd64|Amd64|arm64|Arm64|aarch64|s390|ppc64|(?<![a-z])riscv|bzImage", RegexOptions.CultureInvariant)]
    private static partial Regex Processor();
}
