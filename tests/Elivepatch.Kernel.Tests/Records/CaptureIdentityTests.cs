using System.Globalization;
using System.Text;
using Elivepatch.Engine;
using Elivepatch.Kernel.Records;
using Elivepatch.Protocol.Captures;
using Xunit;

namespace Elivepatch.Kernel.Tests.Records;

public sealed class CaptureIdentityTests
{
    private const ulong LinkBase = 0xffffffff81000000;

    [Fact]
    public void A_kernel_that_was_moved_as_a_whole_is_the_same() =>
        Assert.Equal(Id(Capture()), Id(Capture(at: LinkBase + 0x1c400000)));

    [Fact]
    public void The_capture_that_is_kept_is_the_same_byte_by_byte()
    {
        var (one, other) = (new MemoryStream(), new MemoryStream());
        Identify(Capture()).Capture.Write(one);
        var moved = Capture(at: LinkBase + 0x2000000, modules: "ffffffffc0000000 t init\t[loop]\n");
        Identify(
            moved with
            {
                Facts = moved.Facts with { Modules = [new("loop", null, 1)], Livepatches = ["x"], KernelVersionText = "other" },
                Notes = new byte[] { 1 },
            }
        )
            .Capture.Write(other);
        Assert.Equal(one.ToArray(), other.ToArray());
    }

    [Fact]
    public void Modules_and_what_else_differs_between_machines_do_not_count() =>
        Assert.Equal(Id(Capture()), Id(Capture(modules: "ffffffffc0000000 t init\t[loop]\n")));

    public static TheoryData<string, CaptureFile> Others =>
        new()
        {
            { "release", Capture() with { Facts = Capture().Facts with { Release = "6.1.1" } } },
            { "build-id", Capture() with { Facts = Capture().Facts with { BuildId = new string('b', 40) } } },
            { "machine", Capture() with { Facts = Capture().Facts with { Machine = "aarch64" } } },
            { "configuration", Capture() with { Config = "CONFIG_X=y\n"u8.ToArray() } },
            { "exports", Capture() with { Symvers = "0x1 x vmlinux EXPORT_SYMBOL\n"u8.ToArray() } },
            { "no exports", Capture() with { Symvers = null } },
            { "empty exports", Capture() with { Symvers = Array.Empty<byte>() } },
            { "one symbol moved", Capture(offset: 0x24) },
            { "one symbol renamed", Capture(name: "other") },
            { "one symbol of another type", Capture(type: 'T') },
            { "a per-cpu symbol moved", Capture(perCpu: 0x1008) },
        };

    [Theory]
    [MemberData(nameof(Others))]
    public void Whatever_builds_depend_on_makes_another_kernel(string what, CaptureFile other)
    {
        Assert.NotEmpty(what);
        Assert.NotEqual(Id(Capture()), Id(other));
    }

    [Fact]
    public void What_lies_where_no_kernel_has_it_is_refused()
    {
        Refused("ffffffff81000000 T other\n");
        Refused("0000000000000000 T _text\n0000000000000008 T other\n");
        Refused("ffffffff81000000 T _text\nffffffff81000000 T _text\n");
        // Moving it back would wrap around.
        Refused("8000000000000000 T early\nffffffffff000000 T _text\n");
    }

    private static void Refused(string kallsyms)
    {
        var outcome = CaptureIdentity.Of(Capture() with { Kallsyms = Encoding.ASCII.GetBytes(kallsyms) });
        Assert.False(outcome.Succeeded);
        Assert.Equal(FactProblems.MalformedKallsyms.Number / 100, outcome.Problems[0].Code.Number / 100);
    }

    private static string Id(CaptureFile capture) => Identify(capture).Id;

    private static CaptureIdentity Identify(CaptureFile capture) => StockKernel.Get(CaptureIdentity.Of(capture));

    private static CaptureFile Capture(
        ulong at = LinkBase,
        ulong offset = 0x20,
        string name = "function",
        char type = 't',
        ulong perCpu = 0x1000,
        string modules = ""
    )
    {
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{0:x16} A fixed_percpu_data\n{perCpu:x16} D cpu_number\n{at:x16} T _text\n{at + offset:x16} {type} {name}\n{at + 0x1000:x16} D data\n{modules}"
        );
        return new(
            new()
            {
                Release = "6.1.0",
                BuildId = new string('a', 40),
                Compiler = "gcc",
                Machine = "x86_64",
                KernelVersionText = "Linux",
            },
            "CONFIG_X=m\n"u8.ToArray(),
            Encoding.ASCII.GetBytes(text),
            "0x0 x vmlinux EXPORT_SYMBOL\n"u8.ToArray(),
            null
        );
    }
}
