using System.Globalization;
using System.Runtime.InteropServices;

namespace Elivepatch.Machine.Tests;

public class SystemCallNumbersTests
{
    [Fact]
    public void The_numbers_of_this_processor_are_those_of_its_headers()
    {
        // linux-libc-dev comes with the compiler that the tests need.
        var lines = File.ReadAllLines($"/usr/include/{Target()}/asm/unistd_64.h");
        var numbers = SystemCallNumbers.OfMachine!;
        Assert.Equal((NumberOf("delete_module"), NumberOf("finit_module")), (numbers.DeleteModule, numbers.FinitModule));

        nint NumberOf(string call) =>
            nint.Parse(
                lines.Single(l => l.StartsWith($"#define __NR_{call} ", StringComparison.Ordinal)).Split(' ')[2],
                CultureInfo.InvariantCulture
            );
    }

    [Fact]
    public void A_processor_whose_numbers_are_not_known_has_none() => Assert.Null(SystemCallNumbers.Of(Architecture.Armv6));

    private static string Target() =>
        RuntimeInformation.OSArchitecture == Architecture.X64 ? "x86_64-linux-gnu" : throw new NotSupportedException();
}
