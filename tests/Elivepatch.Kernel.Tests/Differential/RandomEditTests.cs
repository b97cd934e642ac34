using System.Collections.Concurrent;
using System.Globalization;
using Elivepatch.Elf;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Import;
using Elivepatch.Kernel.Patches;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;
using Xunit;
using static Elivepatch.Kernel.Tests.StockKernel;

namespace Elivepatch.Kernel.Tests.Differential;

/// <summary>
/// Random edits of real functions. Each is either refused, or gives the code that a whole compilation of the patched unit
/// gives, and every field of it leads to what the compiler meant, where that is in the running kernel. What is compared with
/// is read by code of the tests' own.
/// </summary>
public sealed class RandomEditTests(StockKernel stock) : IDisposable
{
    private const int EditsInPatch = 3;
    private const long LongestSource = 60_000;

    private static readonly string[] folders =
    [
        "drivers/block",
        "drivers/md",
        "fs/btrfs",
        "fs/ext4",
        "fs/nfsd",
        "fs/xfs",
        "net/bridge",
        "net/netfilter",
        "net/sched",
        "net/sunrpc",
        "fs",
        "fs/proc",
        "kernel",
        "kernel/time",
        "kernel/sched",
        "mm",
        "net/core",
        "net/ipv4",
        "block",
        "ipc",
        "security",
    ];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("random-edits-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // ELIVEPATCH_EDITS=PATCHES and ELIVEPATCH_SEED=NUMBER are for whoever wants more or others.
    private static int Patches => Number("ELIVEPATCH_EDITS") ?? (FullRun.IsAsked ? 100 : 12);

    private static int Seed => Number("ELIVEPATCH_SEED") ?? 1;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task What_is_not_refused_is_what_the_compiler_makes_of_the_patched_source()
    {
        var record = await stock.RecordAsync();
        var tree = await stock.TreeAsync();
        var kernel = PlainSymbols.OfKernel(await File.ReadAllTextAsync(record.KallsymsPath, Cancellation));
        var commands = await CommandsAsync(tree);
        var results = new ConcurrentBag<Tried>();
        await Parallel.ForAsync(
            0,
            Patches,
            Cancellation,
            async (i, _) => results.Add(await TryAsync(record, tree, kernel, commands, i))
        );

        var built = results.Where(r => r.Compared is not null).Select(r => r.Compared!).ToList();
        var refused = results.Where(r => r.Compared is null).GroupBy(r => r.Refusal).Select(g => $"{g.Count()} {g.Key}");
        foreach (
            var line in (string[])
                [
                    $"{built.Count} built, with {built.Sum(c => c.Functions)} functions and {built.Sum(c => c.Fields)} fields",
                    $"unsure {built.Sum(c => c.Unsure)}",
                    $"laid out differently: {string.Join(' ', built.SelectMany(c => c.OtherLayout))}",
                    $"not built: {string.Join(", ", refused)}",
                ]
        )
        {
            TestContext.Current.TestOutputHelper!.WriteLine(line);
        }

        var wrong = results
            .Where(r => r.Compared?.Wrong.Count > 0)
            .Select(r => $"{r.Name}: {string.Join("\n  ", r.Compared!.Wrong)}\n{r.Patch}")
            .ToList();
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        // Else nothing would have been looked at.
        Assert.InRange(built.Count, Patches / 4, Patches);
        Assert.InRange(built.Sum(c => c.Unsure), 0, built.Sum(c => c.Fields) / 2);
        // Runtime constants are loaded where the kernel writes them into its code, so that the code behind is another.
        Assert.InRange(built.Sum(c => c.OtherLayout.Count), 0, built.Sum(c => c.Functions) / 4);
    }

    private static readonly Dictionary<string, Action<ElfObject>> mutations = new()
    {
        ["another function of the name"] = elf => List(elf).Content[At(elf) + 16] = 2,
        ["another old function"] = elf => TextOf(elf, "meminfo_proc_show")[0] = (byte)'n',
        ["the neighbour of a symbol"] = elf => First(elf, "vmalloc_nr_pages").Symbol = First(elf, "vm_commit_limit").Symbol,
        ["behind a symbol"] = elf => First(elf, "vmalloc_nr_pages").Addend += 16,
        ["another text"] = elf => TextOf(elf, "Percpu:         ")[2] = (byte)'x',
        ["another instruction"] = elf => Code(elf).Content[^9] ^= 1,
        ["another register"] = elf => Code(elf).Content[0x40] ^= 8,
    };

    // Else the comparison would say nothing.
    [Fact]
    public async Task A_livepatch_that_is_not_what_the_compiler_meant_is_found()
    {
        var record = await stock.RecordAsync();
        var tree = await stock.TreeAsync();
        const string unit = "fs/proc/meminfo.c";
        var file = Path.Combine(Repository.Root, "examples", "meminfo-caps.patch");
        var sources = Get(
            PatchedSources.Apply(tree, [Get(SourcePatch.Parse(await File.ReadAllBytesAsync(file, Cancellation), file))])
        );
        var command = Get(await new KbuildCommands(stock.Cache).ForBuiltUnitsAsync(tree, [unit], Cancellation))[0];
        var built = Get(
            await new LivepatchBuild(stock.Cache).RunAsync(new(record, [file], [], null, Replace: true, null), Cancellation)
        );
        var patched = Get(await CompileAsync(tree, command, sources.Plain));
        var unpatched = Get(await CompileAsync(tree, command, SourceOverlay.None));
        var kernel = PlainSymbols.OfKernel(await File.ReadAllTextAsync(record.KallsymsPath, Cancellation));

        var good = Compare(_ => { });
        Assert.Empty(good.Wrong.Concat(good.OtherLayout));
        Assert.InRange(good.Fields, 50, int.MaxValue);
        var unseen = mutations.Keys.Where(m => Compare(mutations[m]) is { Wrong: [], OtherLayout: [] }).ToList();
        Assert.Empty(unseen);

        Compared Compare(Action<ElfObject> mutate)
        {
            var module = ElfReader.Read(built.Module);
            mutate(module);
            return new PlainComparison(
                module,
                ElfReader.Read(patched),
                new(ElfReader.Read(unpatched), kernel),
                kernel,
                kernel
            ).Run();
        }
    }

    private static ElfSection List(ElfObject elf) => elf.FindSymbol("elivepatch_funcs_0")!.Section!;

    private static int At(ElfObject elf) => (int)elf.FindSymbol("elivepatch_funcs_0")!.Value;

    private static ElfSection Code(ElfObject elf) => elf.FindSymbol("meminfo_proc_show")!.Section!;

    private static ElfRelocation First(ElfObject elf, string name) =>
        elf
            .RelocationSections.Where(r => r.Target == Code(elf))
            .SelectMany(r => r.Entries)
            .First(r => r.Symbol!.Name.Contains($".{name},", StringComparison.Ordinal));

    private static Span<byte> TextOf(ElfObject elf, string text)
    {
        var bytes = System.Text.Encoding.ASCII.GetBytes(text);
        var section = elf.Sections.First(s => s.Content.AsSpan().IndexOf(bytes) >= 0 && s.Has(ElfSectionFlags.Alloc));
        return section.Content.AsSpan(section.Content.AsSpan().IndexOf(bytes));
    }

    private async Task<Tried> TryAsync(
        KernelRecord record,
        PreparedTree tree,
        PlainSymbols kernel,
        IReadOnlyList<CompileCommand> commands,
        int number
    )
    {
        var random = new Random(Seed * 1_000_003 + number);
        var command = commands[random.Next(commands.Count)];
        var text = await File.ReadAllTextAsync(Path.Combine(tree.Folder, command.Unit), Cancellation);
        var patch = new RandomEdits(random).Patch(command.Unit, text, EditsInPatch);
        var name = string.Create(CultureInfo.InvariantCulture, $"{command.Unit} (patch {number} of seed {Seed})");
        if (patch is null)
        {
            return new(name, "", "nothing to edit", null);
        }

        var file = Path.Combine(folder.FullName, string.Create(CultureInfo.InvariantCulture, $"edit{number}.patch"));
        await File.WriteAllTextAsync(file, patch, Cancellation);
        var sources = Get(
            PatchedSources.Apply(tree, [Get(SourcePatch.Parse(await File.ReadAllBytesAsync(file, Cancellation), file))])
        );
        var whole = await CompileAsync(tree, command, sources.Plain);
        if (!whole.Succeeded)
        {
            // Not every edit makes C of C.
            return new(name, patch, "no C", null);
        }

        var outcome = await new LivepatchBuild(stock.Cache).RunAsync(
            new(record, [file], [], null, Replace: true, null),
            Cancellation
        );
        if (!outcome.TryGet(out var built))
        {
            return new(name, patch, outcome.Problems[0].Code.Id, null);
        }

        var unpatched = Get(await CompileAsync(tree, command, SourceOverlay.None));
        var home = command.ModuleName is { } module ? await ModuleAsync(record, module) : kernel;
        var comparison = new PlainComparison(
            ElfReader.Read(built.Module),
            ElfReader.Read(whole.Value),
            new(ElfReader.Read(unpatched), home),
            home,
            kernel
        );
        return new(name, patch, "", comparison.Run());
    }

    private async Task<Outcome<byte[]>> CompileAsync(PreparedTree tree, CompileCommand command, SourceOverlay overlay) =>
        (
            await new UnitCompiler(stock.Cache).CompileAsync(tree, command, overlay, CompileVariant.AsBuilt, Cancellation)
        ).Then<byte[]>(c => c.Object.ToArray());

    private async Task<PlainSymbols> ModuleAsync(KernelRecord record, string name) =>
        PlainSymbols.OfModule(
            name,
            ElfReader.Read(Get(await new ModuleFiles(stock.Cache, record).ReadAsync(name, Cancellation)).ToArray())
        );

    private async Task<IReadOnlyList<CompileCommand>> CommandsAsync(PreparedTree tree)
    {
        var sources = folders
            .SelectMany(f => Directory.EnumerateFiles(Path.Combine(tree.Folder, f), "*.c"))
            .Where(f => new FileInfo(f).Length < LongestSource)
            .Select(f => Path.GetRelativePath(tree.Folder, f))
            .Order(StringComparer.Ordinal)
            .ToList();
        var built = Get(await new KbuildCommands(stock.Cache).ForBuiltUnitsAsync(tree, sources, Cancellation));
        return [.. built.Where(c => !c.IsInSeveralModules)];
    }

    private static int? Number(string variable) =>
        int.TryParse(
            Environment.GetEnvironmentVariable(variable),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : null;

    private sealed record Tried(string Name, string Patch, string Refusal, Compared? Compared);
}
