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

    [Theory]
    [InlineData("f", true)]
    [InlineData("g", true)]
    [InlineData("h", false)]
    [InlineData("calls", true)]
    [InlineData("overridable", false)]
    public void A_function_that_jumps_to_others_of_its_unit_returns_if_one_of_them_does(string name, bool never) =>
        Assert.Equal(
            never,
            NoReturn.NeverReturns(
                X8664Architecture.Instance,
                Patched
                    .Unit(
                        """
                        extern int state;
                        int __attribute__((noinline)) returns(int a) { return a + state; }
                        void __attribute__((noinline, noreturn)) end(int a) { for (;;) state = a; }
                        void g(int a);
                        void __attribute__((noinline)) f(int a) { state++; if (a == 5) end(a); g(a + 1); }
                        void __attribute__((noinline)) g(int a) { state--; if (a == 7) end(a); f(a + state); }
                        int __attribute__((noinline)) h(int a) { if (state) f(a); return returns(a); }
                        void __attribute__((weak)) overridable(int a) { end(a); }
                        void __attribute__((noinline)) calls(int a) { returns(a); end(returns(a)); }
                        """
                    )
                    .Functions.Single(f => f.Name == name)
            )
        );
}
