// In: a prepared tree. Out: the commands by which kbuild turns an object into a module for this kernel. Kbuild makes one small
// module for real and says how (V=1); its arguments to objtool, modpost and the linker depend on the version and the
// configuration, and imitating them would be a guess. The module's headers are precompiled on the way: every livepatch has two
// small units that include them.

using System.Text.Json;
using Elivepatch.Elf;
using Elivepatch.Engine.Facts;
using Elivepatch.Engine.Link;
using Elivepatch.Kernel.Compile;
using Elivepatch.Kernel.Processes;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Link;

/// <summary>Learns how a kernel's modules are made.</summary>
public sealed class ModuleRecipes(CacheRoot cache)
{
    /// <summary>The precompiled headers of the glue and of modpost's unit.</summary>
    internal const string HeadersName = "headers.h";

    /// <summary>The object that newer kernels link into every module (<c>scripts/module-common.c</c>).</summary>
    internal const string CommonName = "module-common.o";

    /// <summary>Where a sandbox sees the recipe's files.</summary>
    internal const string InsidePath = "/recipe";

    /// <summary>The names under which the headers are precompiled; whoever uses them must say the same.</summary>
    internal static readonly string[] PrecompiledNames =
    [
        "-DKBUILD_MODFILE=\"elivepatch\"",
        "-DKBUILD_BASENAME=\"elivepatch\"",
        "-DKBUILD_MODNAME=\"elivepatch\"",
        "-D__KBUILD_MODNAME=kmod_elivepatch",
    ];

    private const string Version = "2";
    private const string FileName = "recipe.json";
    private const string Sample = "sample";
    private static readonly EntryKind Kind = new("recipes");

    /// <summary>The recipe of a tree and the folder with its files.</summary>
    public async Task<Outcome<(ModuleRecipe Recipe, string Folder)>> GetAsync(PreparedTree tree, CancellationToken cancellation)
    {
        var entry = await cache.GetAsync(
            Kind,
            ContentDigest.OfParts(Version, GlueSource.Headers, tree.Key.Hex),
            f => LearnAsync(tree, f, cancellation),
            cancellation
        );
        return entry.Then<(ModuleRecipe, string)>(folder =>
        {
            var json = File.ReadAllBytes(Path.Combine(folder, FileName));
            return JsonSerializer.Deserialize(json, ModuleRecipeJson.Default.ModuleRecipe) is { } recipe
                ? (recipe, folder)
                : new Problem(ProcessProblems.CacheFailed, $"{folder}: the recipe is empty");
        });
    }

    private async Task<Problem?> LearnAsync(PreparedTree tree, string folder, CancellationToken cancellation)
    {
        using var workspace = cache.NewWorkspace();
        await File.WriteAllTextAsync(Path.Combine(workspace.FullPath, "Kbuild"), $"obj-m := {Sample}.o\n", cancellation);
        await File.WriteAllTextAsync(
            Path.Combine(workspace.FullPath, Sample + ".c"),
            "#include <linux/module.h>\nMODULE_LICENSE(\"GPL\");\nMODULE_DESCRIPTION(\"sample\");\n",
            cancellation
        );
        var outcome = await Sandbox.RunAsync(
            new SandboxRequest
            {
                File = "make",

                // The exports of the running kernel come with the real link; here they are not known and not needed.
                Arguments = [.. tree.MakeVariables, "V=1", "M=/out", "KBUILD_MODPOST_WARN=1", "modules"],
                Userland = tree.Userland,
                Environment = tree.Environment,
                Binds = [.. tree.Binds, new(workspace.FullPath, "/out", Writable: true)],
                WorkingDirectory = PreparedTree.InsidePath,
            },
            cancellation
        );
        if (!outcome.TryGet(out var result))
        {
            return outcome.Problems[0];
        }

        if (Read(result.Output, Path.Combine(workspace.FullPath, Sample + ".ko")) is not { } recipe)
        {
            return new(ModuleProblems.ModuleRecipeUnreadable, result.Describe());
        }

        var common = Path.Combine(workspace.FullPath, ".module-common.o");
        if (File.Exists(common))
        {
            File.Copy(common, Path.Combine(folder, CommonName));
        }

        if (await PrecompileAsync(tree, recipe, folder, cancellation) is { } problem)
        {
            return problem;
        }

        await File.WriteAllBytesAsync(
            Path.Combine(folder, FileName),
            JsonSerializer.SerializeToUtf8Bytes(recipe, ModuleRecipeJson.Default.ModuleRecipe),
            cancellation
        );
        return null;
    }

    private static ModuleRecipe? Read(string output, string module)
    {
        IReadOnlyList<string>? compile = null,
            objtool = null,
            modpost = null,
            link = null;
        foreach (var words in ShellCommands.Split(output))
        {
            if (IsSample(words[^1], ".c") && words.Contains("-c"))
            {
                compile ??= words;
            }
            else if (words[0].EndsWith("objtool/objtool", StringComparison.Ordinal) && IsSample(words[^1], ".o"))
            {
                objtool ??= [.. words.SkipLast(1)];
            }
            else if (words[0].EndsWith("mod/modpost", StringComparison.Ordinal))
            {
                modpost ??= words;
            }
            else if (words.Contains("-r") && words.Any(w => IsSample(w, ".ko")))
            {
                link ??= words;
            }
        }

        return
            compile is null
            || modpost is null
            || link is null
            || !File.Exists(module)
            || ModuleInformation.Of(ElfReader.Read(File.ReadAllBytes(module))).Vermagic is not { } vermagic
            ? null
            : new(WithoutNames(compile), objtool, WithoutLists(modpost), WithoutFiles(link), ForcedIncludes(compile), vermagic);
    }

    // From 6.13 on kbuild works in the folder of an external module and names its files by their names alone.
    private static bool IsSample(string word, string suffix) => word == Sample + suffix || word == $"/out/{Sample}{suffix}";

    private static List<string> WithoutNames(IReadOnlyList<string> words)
    {
        var kept = new List<string>();
        for (var i = 0; i < words.Count - 1; i++)
        {
            if (words[i] is "-o" or "-include")
            {
                i++;
            }
            else if (
                words[i] != "-c"
                && !words[i].StartsWith("-Wp,-M", StringComparison.Ordinal)
                && !words[i].Contains("KBUILD_", StringComparison.Ordinal)
            )
            {
                kept.Add(words[i]);
            }
        }

        return kept;
    }

    private static List<string> ForcedIncludes(IReadOnlyList<string> words) =>
        [.. words.Zip(words.Skip(1)).Where(p => p.First == "-include").Select(p => p.Second)];

    // -o, -T and -i name files of this run; -w turns unresolved symbols into warnings, which only the sample needed.
    private static List<string> WithoutLists(IReadOnlyList<string> words)
    {
        var kept = new List<string>();
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i] is "-o" or "-T" or "-i" or "-e" && i + 1 < words.Count && !words[i + 1].StartsWith('-'))
            {
                i++;
            }
            else if (words[i] is not ("-w" or "-e"))
            {
                kept.Add(words[i]);
            }
        }

        return kept;
    }

    private static List<string> WithoutFiles(IReadOnlyList<string> words)
    {
        var kept = new List<string>();
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i] == "-o")
            {
                i++;
            }
            else if (words[i].StartsWith('-') || !words[i].EndsWith(".o", StringComparison.Ordinal))
            {
                kept.Add(words[i]);
            }
        }

        return kept;
    }

    private static async Task<Problem?> PrecompileAsync(
        PreparedTree tree,
        ModuleRecipe recipe,
        string folder,
        CancellationToken cancellation
    )
    {
        var text =
            string.Concat(recipe.ForcedIncludes.Select(i => $"#include \"{Path.GetFullPath(i, PreparedTree.InsidePath)}\"\n"))
            + GlueSource.Headers
            + "#if __has_include(<linux/export-internal.h>)\n#include <linux/export-internal.h>\n#endif\n#include <linux/compiler.h>\n";
        await File.WriteAllTextAsync(Path.Combine(folder, HeadersName), text, cancellation);
        var outcome = await Sandbox.RunSuccessfullyAsync(
            new SandboxRequest
            {
                File = recipe.Compile[0],
                Arguments =
                [
                    .. recipe.Compile.Skip(1),
                    .. PrecompiledNames,
                    "-g0",
                    "-x",
                    "c-header",
                    "-o",
                    $"{InsidePath}/{HeadersName}.gch",
                    $"{InsidePath}/{HeadersName}",
                ],
                Userland = tree.Userland,
                Environment = tree.Environment,
                Binds = [.. tree.Binds, new(folder, InsidePath, Writable: true)],
                WorkingDirectory = PreparedTree.InsidePath,
            },
            "precompiling the module headers",
            cancellation
        );
        return outcome.Succeeded ? null : outcome.Problems[0];
    }
}
