// In: the combined pieces, the functions they patch and the glue. Out: the module as the kernel's linker leaves it. Our part is
// what no tool does: choosing pieces and rewriting relocations. What the kernel's build does for every module (unwind tables,
// thunk sites, CRCs, struct module) its own tools do here too, with its own arguments.

using Elivepatch.Elf;
using Elivepatch.Engine.Link;
using Elivepatch.Engine.Relocate;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Records;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Link;

/// <summary>Links livepatch modules for one kernel.</summary>
/// <param name="tree">The kernel's prepared tree.</param>
/// <param name="record">The kernel.</param>
/// <param name="recipe">How its modules are made.</param>
/// <param name="recipeFolder">The recipe's files.</param>
/// <param name="folder">Where intermediate files go.</param>
/// <param name="cancellation">Ends it.</param>
public sealed class ModuleLinker(
    PreparedTree tree,
    KernelRecord record,
    ModuleRecipe recipe,
    string recipeFolder,
    string folder,
    CancellationToken cancellation
)
{
    private const string Inside = "/out";
    private const string Symvers = "/facts/Module.symvers";

    // Headers are precompiled under one module name for all; the real name comes behind them.
    private const string NameHeader = "name.h";

    /// <summary>Links a module whose references to the running kernel are ordinary relocations still.</summary>
    /// <param name="name">Name of the module.</param>
    /// <param name="combined">What goes in.</param>
    /// <param name="patched">The functions that are diverted.</param>
    /// <param name="glue">The C unit that makes a livepatch of it.</param>
    public async Task<Outcome<ElfObject>> LinkAsync(
        string name,
        Combine combined,
        IReadOnlyList<PatchedFunction> patched,
        string glue
    )
    {
        await File.WriteAllTextAsync(
            PathOf(NameHeader),
            $"#undef KBUILD_MODNAME\n#define KBUILD_MODNAME \"{name}\"\n",
            cancellation
        );
        await File.WriteAllTextAsync(PathOf("glue.c"), GlueSource.Headers + glue, cancellation);
        if (await CompileAsync("glue") is { } glueProblem)
        {
            return glueProblem;
        }

        var module = combined.Finish(patched, ElfReader.Read(await ReadAsync("glue.o")), NoReturnNames.Read(tree));
        await WriteAsync($"{name}.o", ElfWriter.Write(module.Object));
        if (await ObjtoolAsync(name) is { } objtoolProblem)
        {
            return objtoolProblem;
        }

        var processor = record.Facts.Architecture.Engine;
        var named = ColdParts
            .Join(ElfReader.Read(await ReadAsync($"{name}.o")))
            .Then(joined => LivepatchNames.Apply(joined, module))
            .Then(renamed => ModuleBranches.SwitchOff(renamed, processor))
            .Then<ElfObject>(switched => ModuleCallSites.Drop(switched, processor));
        if (!named.TryGet(out var linkable))
        {
            return named;
        }

        // The linker knows livepatch symbols as undefined ones, modpost as what the loader sees.
        await WriteAsync("link.o", ElfWriter.Write(linkable));
        LivepatchNames.SetPlace(linkable, ElfSymbolPlace.Livepatch);
        await WriteAsync($"{name}.o", ElfWriter.Write(linkable));
        if (await ModpostAsync(name) is { } modpostProblem)
        {
            return modpostProblem;
        }

        if (await CompileAsync($"{name}.mod") is { } modProblem)
        {
            return modProblem;
        }

        if (await LinkFinalAsync(name) is { } linkProblem)
        {
            return linkProblem;
        }

        return ElfReader.Read(await ReadAsync("linked.ko"));
    }

    private async Task<Problem?> CompileAsync(string unit)
    {
        var outcome = await RunAsync(
            $"compiling {unit}.c",
            recipe.Compile[0],
            [
                .. recipe.Compile.Skip(1),
                .. ModuleRecipes.PrecompiledNames,
                "-g0",
                "-Winvalid-pch",
                "-Werror=invalid-pch",
                "-include",
                $"{ModuleRecipes.InsidePath}/{ModuleRecipes.HeadersName}",
                "-include",
                $"{Inside}/{NameHeader}",
                "-c",
                "-o",
                $"{Inside}/{unit}.o",
                $"{Inside}/{unit}.c",
            ]
        );
        return outcome.Succeeded ? null : outcome.Problems[0];
    }

    // Objtool reports what it does not understand as a warning and goes on. Here that would be a function without a reliable
    // stack trace in a running kernel.
    private async Task<Problem?> ObjtoolAsync(string name)
    {
        if (recipe.Objtool is not { } objtool)
        {
            return null;
        }

        var outcome = await RunAsync("objtool", objtool[0], [.. objtool.Skip(1), $"{Inside}/{name}.o"]);
        if (!outcome.TryGet(out var result))
        {
            return outcome.Problems[0];
        }

        var warnings = (result.Output + result.Error)
            .Split('\n')
            .Where(l =>
                l.Contains("warning: objtool", StringComparison.Ordinal) || l.Contains("error: objtool", StringComparison.Ordinal)
            )
            .Take(10)
            .ToList();
        return warnings.Count == 0 ? null : new(ModuleProblems.ObjtoolWarning, string.Join('\n', warnings));
    }

    private async Task<Problem?> ModpostAsync(string name)
    {
        // What kbuild leaves beside an object for modpost: its parts, and the sources it came from.
        await File.WriteAllTextAsync(PathOf("modules.order"), $"{Inside}/{name}.o\n", cancellation);
        await File.WriteAllTextAsync(PathOf($"{name}.mod"), $"{Inside}/{name}.o\n", cancellation);
        await File.WriteAllTextAsync(
            PathOf($".{name}.o.cmd"),
            $"source_{Inside}/{name}.o := {Inside}/glue.c\n\ndeps_{Inside}/{name}.o := \\\n",
            cancellation
        );
        List<string> words = [.. recipe.Modpost.Skip(1), "-o", $"{Inside}/symvers"];
        if (record.SymversPath is not null)
        {
            words.AddRange(["-i", Symvers]);
        }

        var outcome = await RunAsync("modpost", recipe.Modpost[0], [.. words, "-T", $"{Inside}/modules.order"]);
        return outcome.Succeeded ? null : outcome.Problems[0];
    }

    private async Task<Problem?> LinkFinalAsync(string name)
    {
        List<string> words = [.. recipe.Link.Skip(1), "-o", $"{Inside}/linked.ko", $"{Inside}/link.o", $"{Inside}/{name}.mod.o"];
        if (File.Exists(Path.Combine(recipeFolder, ModuleRecipes.CommonName)))
        {
            words.Add($"{ModuleRecipes.InsidePath}/{ModuleRecipes.CommonName}");
        }

        var outcome = await RunAsync("the final link", recipe.Link[0], words);
        return outcome.Succeeded ? null : outcome.Problems[0];
    }

    private Task<Outcome<ProcessResult>> RunAsync(string purpose, string file, IReadOnlyList<string> words)
    {
        List<SandboxBind> binds =
        [
            .. tree.Binds,
            new(recipeFolder, ModuleRecipes.InsidePath),
            new(folder, Inside, Writable: true),
        ];
        if (record.SymversPath is { } symvers)
        {
            binds.Add(new(symvers, Symvers));
        }

        return Sandbox.RunSuccessfullyAsync(
            new SandboxRequest
            {
                File = file,
                Arguments = words,
                Userland = tree.Userland,
                Environment = tree.Environment,
                Binds = binds,
                WorkingDirectory = PreparedTree.InsidePath,
            },
            purpose,
            cancellation
        );
    }

    private string PathOf(string name) => Path.Combine(folder, name);

    private Task<byte[]> ReadAsync(string name) => File.ReadAllBytesAsync(PathOf(name), cancellation);

    private Task WriteAsync(string name, byte[] bytes) => File.WriteAllBytesAsync(PathOf(name), bytes, cancellation);
}
