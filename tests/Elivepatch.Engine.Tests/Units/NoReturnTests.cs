using Elivepatch.Engine.Architectures.X8664;
using Elivepatch.Engine.Tests.Diff;
using Elivepatch.Engine.Units;
using Xunit;

namespace Elivepatch.Engine.Tests.Units;

public class NoReturnTests
{
    [Theory]
    [InlineData("for (;;) asm volatile(\"\");", true)]
    [InlineData("other(); __builtin_unreachable();", true)]
    [InlineData("while (a--) other(); for (;;) other();", true)]
    [InlineData("asm volatile(\"ud2\"); __builtin_unreachable();", true)]
    [InlineData("other();", false)]
    [InlineData("if (a) for (;;) other();", false)]
    [InlineData("to();", false)] // a jump to another one, which may return
    [InlineData("goto *(void *)to;", false)]
    [InlineData("asm volatile(\"1: xbegin 1b\"); for (;;) ;", false)] // where an aborted transaction goes on
    public void A_function_without_a_way_out_never_returns(string body, bool never) =>
        Assert.Equal(
            never,
            NoReturn.NeverReturns(
                X8664Architecture.Instance,
                Patched
                    .Unit($"extern void other(void), (*to)(void); void f(int a) {{ {body} }}")
                    .Functions.Single(f => f.Name == "f")
            )
        );
}
