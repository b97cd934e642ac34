using Elivepatch.Kernel.Compile;
using Xunit;

namespace Elivepatch.Kernel.Tests.Compile;

public sealed class KbuildCommandsTests
{
    [Theory]
    [InlineData("make[4]: *** No rule to make target 'fs/proc/nothing.o'.", false)]
    [InlineData("make[3]: *** [scripts/Makefile.build:471: fs/proc] Error 2", false)]
    [InlineData("make: *** [Makefile:236: __sub-make] Error 2", false)]
    [InlineData("make[2]: Target 'fs/' not remade because of errors.", false)]
    [InlineData("", false)]
    [InlineData("make[2]: *** [scripts/Makefile.build:471: fs] Error 137", true)]
    [InlineData("make[1]: *** [/build/Makefile:1992: .] Terminated", true)]
    [InlineData("make: *** fork: Cannot allocate memory.  Stop.", true)]
    [InlineData("/bin/sh: 1: Cannot fork: Resource temporarily unavailable", true)]
    [InlineData("make: *** virtual memory exhausted.  Stop.", true)]
    public void A_dry_run_that_ended_early_is_told_from_one_about_a_file_that_is_not_built(string line, bool isUnexpected) =>
        Assert.Equal(isUnexpected, KbuildCommands.IsUnexpected(line));
}
