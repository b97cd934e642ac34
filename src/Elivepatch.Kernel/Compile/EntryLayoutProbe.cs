// In: a prepared tree. Out: the sizes of the records in the kernel's special sections, from the kernel's own headers. Two runs of
// the compiler: the first shows which structs and fields this version has, the second asks for exactly those. The answers are
// immediate operands in the assembly, which is how the kernel's own asm-offsets.h comes about (include/linux/kbuild.h).

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Elivepatch.Engine.Facts;
using Elivepatch.Kernel.Storage;
using Elivepatch.Kernel.Trees;
using Elivepatch.Model;

namespace Elivepatch.Kernel.Compile;

/// <summary>Measures entry layouts.</summary>
public sealed partial class EntryLayoutProbe(CacheRoot cache)
{
    // It is part of every kernel that can be live patched, so its flags are always to be had.
    private const string FlagsOf = "kernel/livepatch/core.c";

    private const string Headers = """
        #include <linux/kernel.h>
        #include <linux/module.h>
        #include <linux/bug.h>
        #include <linux/extable.h>
        #include <linux/jump_label.h>
        #include <linux/static_call.h>
        #include <linux/dynamic_debug.h>
        #include <linux/printk.h>
        #include <linux/livepatch.h>
        #include <asm/alternative.h>
        #include <asm/paravirt_types.h>

        """;

    /// <summary>The struct behind each section. The names are those of the kernel's headers.</summary>
    private static readonly (string Section, string Struct)[] Sections =
    [
        (".altinstructions", "alt_instr"),
        ("__bug_table", "bug_entry"),
        ("__ex_table", "exception_table_entry"),
        ("__jump_table", "jump_entry"),
        (".parainstructions", "paravirt_patch_site"),
        (".static_call_sites", "static_call_site"),
        ("__dyndbg", "_ddebug"),
    ];

    // Tables of bare pointers and of 32-bit offsets (s32) to places in the code.
    private static readonly (string Section, string Type)[] PlainSections =
    [
        (".printk_index", "void *"),
        ("__mcount_loc", "unsigned long"),
        ("__patchable_function_entries", "unsigned long"),
        (".smp_locks", "s32"),
        (".retpoline_sites", "s32"),
        (".return_sites", "s32"),
        (".call_sites", "s32"),
        (".ibt_endbr_seal", "s32"),
    ];

    // Structures of modules and livepatches, whose size is asked for.
    private static readonly string[] Structs =
    [
        .. Sections.Select(s => s.Struct),
        "klp_func",
        "klp_object",
        "klp_patch",
        "module",
    ];

    private static readonly string[] Fields = ["alt_instr.replacementlen", "bug_entry.line", "klp_patch.replace", "module.name"];

    /// <summary>Measures the layouts of a tree.</summary>
    public async Task<Outcome<EntryLayouts>> MeasureAsync(PreparedTree tree, CancellationToken cancellation)
    {
        var commands = await new KbuildCommands(cache).ForUnitsAsync(tree, [FlagsOf], cancellation);
        if (!commands.TryGet(out var like))
        {
            return Outcome<EntryLayouts>.Failure(commands.Problems);
        }

        var compiler = new UnitCompiler(cache);
        var preprocessed = await compiler.PreprocessProbeAsync(tree, like[0], Headers, cancellation);
        if (!preprocessed.TryGet(out var headers))
        {
            return Outcome<EntryLayouts>.Failure(preprocessed.Problems);
        }

        var questions = Questions(headers);
        var assembled = await compiler.AssembleProbeAsync(tree, like[0], ProbeText(questions), cancellation);
        return assembled.Then<EntryLayouts>(text => Answers(text, questions));
    }

    private static Dictionary<string, string> Questions(string headers)
    {
        var bodies = Structs
            .Select(s => (Name: s, Body: BodyOf(headers, s)))
            .Where(s => s.Body is not null)
            .ToDictionary(s => s.Name, s => s.Body!);
        var questions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in bodies.Keys)
        {
            questions[$"struct {name}"] = $"sizeof(struct {name})";
        }

        foreach (var (section, name) in Sections.Where(s => bodies.ContainsKey(s.Struct)))
        {
            questions[$"entry {section}"] = $"sizeof(struct {name})";
        }

        foreach (var (section, type) in PlainSections)
        {
            questions[$"entry {section}"] = $"sizeof({type})";
        }

        foreach (var words in Fields.Select(f => f.Split('.')))
        {
            if (bodies.TryGetValue(words[0], out var body) && Regex.IsMatch(body, $@"\b{words[1]}\b\s*(\[[^\]]*\]\s*)?[;:,)]"))
            {
                questions[$"field {words[0]}.{words[1]}"] = $"__builtin_offsetof(struct {words[0]}, {words[1]})";
            }
        }
        return questions;
    }

    // The text between the braces of a struct's definition.
    private static string? BodyOf(string headers, string name)
    {
        var match = Regex.Match(headers, $@"\bstruct {name}\s*\{{");
        if (!match.Success)
        {
            return null;
        }

        var depth = 0;
        for (var i = match.Index + match.Length - 1; i < headers.Length; i++)
        {
            depth += headers[i] switch
            {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            if (depth == 0)
            {
                return headers[match.Index..i];
            }
        }
        return null;
    }

    private static string ProbeText(Dictionary<string, string> questions)
    {
        var text = new StringBuilder(Headers);
        text.Append("void elivepatch_probe(void);\nvoid elivepatch_probe(void)\n{\n");
        foreach (var (name, expression) in questions)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"\tasm volatile(\"\\n#elivepatch {name} = %c0\" : : \"i\" ({expression}));\n"
            );
        }

        return text.Append("}\n").ToString();
    }

    private static Outcome<EntryLayouts> Answers(string assembly, Dictionary<string, string> questions)
    {
        var answers = AnswerPattern()
            .Matches(assembly)
            .Select(m => (Kind: m.Groups[1].Value, Name: m.Groups[2].Value, Number: m.Groups[3].Value))
            .Select(a => (a.Kind, a.Name, Number: int.TryParse(a.Number, CultureInfo.InvariantCulture, out var n) ? n : -1))
            .ToList();
        if (answers.Count != questions.Count || answers.Exists(a => a.Number is < 0 or > 1 << 20))
        {
            return new Problem(
                CompileProblems.CommandUnreadable,
                "the compiler did not answer the probe of the kernel's own headers"
            );
        }

        return new EntryLayouts(Pick("entry"), Pick("field"), Pick("struct"));

        Dictionary<string, int> Pick(string kind) =>
            answers.Where(a => a.Kind == kind).ToDictionary(a => a.Name, a => a.Number, StringComparer.Ordinal);
    }

    [GeneratedRegex(@"^#elivepatch (entry|field|struct) (\S+) = (\S+)$", RegexOptions.Multiline)]
    private static partial Regex AnswerPattern();
}
