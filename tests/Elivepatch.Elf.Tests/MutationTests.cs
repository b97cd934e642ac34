using System.Diagnostics;
using Elivepatch.Elf.Dwarf;
using Xunit;

namespace Elivepatch.Elf.Tests;

public class MutationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>
    /// ELIVEPATCH_MUTATIONS says how many (default 4,000), ELIVEPATCH_MUTATION_SEED where to start: a failure names the seed
    /// that repeats it with a count of 1.
    /// </summary>
    [Fact]
    public void A_damaged_file_is_read_or_refused_within_bounds()
    {
        var count = Count();
        var first = FirstSeed();
        var originals = Originals();
        var read = 0;
        for (var i = 0; i < count; i++)
        {
            var seed = unchecked(first + i);
            var file = new Mutation(seed).Apply(originals[(uint)seed % (uint)originals.Length]);
            try
            {
                if (ReadAndWrite(file))
                {
                    read++;
                }
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"ELIVEPATCH_MUTATION_SEED={seed} ELIVEPATCH_MUTATIONS=1", e);
            }
        }
        // Damage that is always refused, or never, would test only half of the reader.
        if (count >= 1000)
        {
            Assert.InRange(read, count / 20, count - count / 20);
        }
    }

    [Fact]
    public void Damaged_debugging_information_is_read_or_refused_within_bounds()
    {
        var count = Count() / 2;
        var first = FirstSeed();
        byte[][] originals = [.. DebugFlags.Select(flags => Gcc.Compile(DebugSource, flags))];
        var read = 0;
        for (var i = 0; i < count; i++)
        {
            var seed = unchecked(first + i);
            var elf = ElfReader.Read(originals[(uint)seed % (uint)originals.Length]);
            new Mutation(seed).DamageDebugSections(elf);
            try
            {
                var size = elf.Sections.Sum(s => (long)s.Content.Length);
                if (Within(() => DebugInfo.Read(elf), 20_000_000 + 1000 * size))
                {
                    read++;
                }
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"ELIVEPATCH_MUTATION_SEED={seed} ELIVEPATCH_MUTATIONS=2", e);
            }
        }
        if (count >= 1000)
        {
            Assert.InRange(read, count / 20, count - count / 20);
        }
    }

    [Fact]
    public void Sections_that_share_bytes_do_not_multiply_memory()
    {
        ElfObject elf = new();
        for (var i = 0; i < 1000; i++)
        {
            elf.Sections.Add(new ElfSection("s", ElfSectionType.ProgBits) { Content = new byte[1] });
        }

        var file = ElfWriter.Write(elf);
        var headers = file.AsSpan((int)BitConverter.ToUInt64(file, 40));
        for (var i = 1; i <= 1000; i++)
        {
            BitConverter.TryWriteBytes(headers[(i * 64 + 24)..], 0UL);
            BitConverter.TryWriteBytes(headers[(i * 64 + 32)..], (ulong)file.Length);
        }
        var e = Assert.Throws<ElfFormatException>(() => ElfReader.Read(file));
        Assert.Contains("overlap", e.Message);
    }

    [Fact]
    public void Names_that_share_bytes_do_not_multiply_memory()
    {
        ElfObject elf = new();
        elf.Symbols.Add(new ElfSymbol(new string('x', 4_000)));
        for (var i = 0; i < 20_000; i++)
        {
            elf.Symbols.Add(new ElfSymbol(""));
        }

        var file = ElfWriter.Write(elf);
        var read = ElfReader.Read(file);
        Assert.Equal(20_001, read.Symbols.Count);
        for (var i = 1; i < 4_000; i++)
        {
            BitConverter.TryWriteBytes(file.AsSpan(64 + i * 24), (uint)i); // .symtab is the first section
        }

        var e = Assert.Throws<ElfFormatException>(() => ElfReader.Read(file));
        Assert.Contains("names", e.Message);
    }

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void A_name_has_at_most_a_page(int length, bool isRead)
    {
        ElfObject elf = new();
        elf.Symbols.Add(new ElfSymbol(new string('x', length)));
        var file = ElfWriter.Write(elf);
        if (isRead)
        {
            Assert.Equal(length, ElfReader.Read(file).Symbols.Single().Name.Length);
            return;
        }

        Assert.Contains("a name", Assert.Throws<ElfFormatException>(() => ElfReader.Read(file)).Message);
    }

    private static int Count() =>
        int.TryParse(Environment.GetEnvironmentVariable("ELIVEPATCH_MUTATIONS"), out var count) ? count : 4000;

    private static int FirstSeed() =>
        int.TryParse(Environment.GetEnvironmentVariable("ELIVEPATCH_MUTATION_SEED"), out var seed)
            ? seed
            : Random.Shared.Next(1 << 30);

    /// <summary>True where the file could be read; what was read can be written, or is refused in the same way.</summary>
    private static bool ReadAndWrite(byte[] file)
    {
        ElfObject? elf = null;
        var bound = 1_000_000 + 200L * file.Length;
        var read = Within(() => elf = ElfReader.Read(file), bound);
        if (read && elf!.FileType == ElfFileType.Relocatable)
        {
            Within(() => ElfWriter.Write(elf), bound);
        }

        return read;
    }

    /// <summary>False where the work was refused as it should be.</summary>
    private static bool Within(Action work, long memory)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var start = Stopwatch.GetTimestamp();
        var done = true;
        try
        {
            work();
        }
        catch (ElfFormatException e)
        {
            Assert.NotEmpty(e.Message);
            done = false;
        }
        Assert.True(Stopwatch.GetElapsedTime(start) < Patience, "took too long");
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Assert.True(allocated < memory, $"took {allocated} bytes of memory");
        return done;
    }

    private static readonly string[] DebugFlags =
    [
        "-O2 " + Gcc.EngineFlags,
        "-O2 -gdwarf-5 -ffunction-sections",
        "-O2 -gdwarf-4 -gz=zlib -ffunction-sections",
    ];

    private const string DebugSource = """
        typedef struct { int a : 3; int b : 9; const char *volatile *c[3][4]; union { int x; struct { short y; enum { P, Q } q; }; }; } t;
        struct s { struct s *next; t *t; int (*f)(struct s *, t, ...); void (*(*g)(int))(long); };
        extern void fail(int) __attribute__((cold));
        static inline int inner(struct s *s) { static int count = 3; return s->f(s, *s->t) + ++count; }
        static inline int outer(struct s *s) { return inner(s->next) * 2; }
        int host(struct s *s) { if (!s) { fail(1); fail(2); } return outer(s); }
        int (*pointer)(struct s *) = outer;
        static enum e { A, B = -7 } e; enum e *place(void) { return &e; }
        """;

    private static byte[][] Originals() =>
        [
            Gcc.Compile(
                "extern int g(int); int f(int x) { return g(x) + 1; } static int s = 3; int *p = &s;",
                "-O2 -ffunction-sections -fdata-sections"
            ),
            Gcc.Compile(
                "struct a { int b : 3; char *c; } v; static inline int i(int x) { return x * 7; } int f(int x) { static int n; return i(x) + n++; }",
                "-O2 " + Gcc.EngineFlags
            ),
            Gcc.Assemble(
                """
                .section .text.f,"axG",@progbits,f,comdat
                .weak f
                f: call g
                .section .data.f,"awG",@progbits,f,comdat
                .quad f
                .bss
                .skip 100
                .comm c, 8, 8
                .section .o,"ao",@progbits,.text.f
                .byte 1
                """
            ),
            Gcc.LinkProgram(
                Gcc.Compile("int x = 5; int *p = &x; void _start(void) { x++; }", "-O2 -fno-pic"),
                "--emit-relocs",
                "-static"
            ),
        ];
}
