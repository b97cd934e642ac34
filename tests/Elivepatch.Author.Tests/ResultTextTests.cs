using System.Text.Json;
using Elivepatch.Author.Output;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Kernel;
using Elivepatch.Model;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol;

namespace Elivepatch.Author.Tests;

/// <summary>How the results of builds, trials and inspections look.</summary>
public sealed class ResultTextTests
{
    private static readonly BuildReport built = new(
        "fix.ko",
        1000,
        "livepatch_fix",
        "6.12.1",
        "0123",
        true,
        [new("fs/a.c", "bytes", 12), new("fs/b.c", "layout", 3)],
        [
            new("fs/a.c", "show", FunctionReason.Edited, [], "show", 2, "+0x1: string"),
            new("fs/a.c", "show.cold", FunctionReason.ColdPart, ["show"], null, null, null),
            new("fs/b.c", "caller", FunctionReason.InlinesEdited, ["tiny"], "caller", 0, "+0x2: 1 byte"),
            new("fs/b.c", "fresh", FunctionReason.New, [], null, null, null),
        ],
        [new("fs/b.c", "counter", 4, false)],
        [new("_printk", true, 1, null), new("hidden", false, null, 3)],
        [new(StatementKind.LayoutIsSafe, "fs/a.c", "struct box", "it lies in padding")],
        ["fs/a.c:1: warning: odd"],
        [new("compile", 1.5), new("link", 0.25)]
    );

    [Fact]
    public void A_build_explains_every_function()
    {
        var output = new StringWriter();
        BuildText.Write(output, built);
        Assert.Equal(
            """
            the compiler warns: fs/a.c:1: warning: odd
            fs/a.c: the code that runs, byte by byte (12 symbols)
              show       edited             replaces number 2 of the name show [+0x1: string]
              show.cold  cold part of show
            fs/b.c: laid out as the code that runs (3 symbols)
              caller  inlines tiny  [+0x2: 1 byte]
              fresh   new
              counter  new data  4 bytes
            refers to exports: _printk
            refers to the kernel's own: hidden (number 3 of that name)
            stated by the author:
              layout-is-safe: struct box in fs/a.c
                it lies in padding
            timings:
              compile     1.500 s
              link        0.250 s
              total       1.750 s
            fix.ko: livepatch for 6.12.1, 1000 bytes; replaces all other livepatches

            """.ReplaceLineEndings("\n").Replace("caller  inlines tiny  [", "caller  inlines tiny   [", StringComparison.Ordinal),
            output.ToString()
        );
    }

    [Fact]
    public void A_build_is_data_for_scripts()
    {
        var json = JsonDocument.Parse(JsonSerializer.Serialize(built, AuthorJson.Default.BuildReport)).RootElement;
        Assert.Equal("Edited", json.GetProperty("functions")[0].GetProperty("reason").GetString());
        Assert.Equal(2, json.GetProperty("functions")[0].GetProperty("sympos").GetInt32());
        Assert.Equal("bytes", json.GetProperty("units")[0].GetProperty("proof").GetString());
        Assert.True(json.GetProperty("references")[0].GetProperty("isExported").GetBoolean());
        Assert.Equal("layout-is-safe", json.GetProperty("statements")[0].GetProperty("kind").GetString());
        Assert.Equal("it lies in padding", json.GetProperty("statements")[0].GetProperty("reason").GetString());
        Assert.Equal(1.5, json.GetProperty("timings")[0].GetProperty("seconds").GetDouble());
    }

    [Fact]
    public void A_trial_ends_with_its_verdict()
    {
        var problem = new Problem(VirtualMachineProblems.KernelComplained, "WARNING: CPU: 0");
        var outcome = new TrialOutcome(
            "6.12.1",
            false,
            2.5,
            [new("before", "", "VmallocChunk\n", 0, 0.1), new("load", "fix", "", 1, 0.2), new("transition", "fix", "", -1, 60)],
            [],
            [],
            ["hw: No such device"],
            ProblemReport.Of([problem])
        );
        var output = new StringWriter();
        TrialText.Write(output, outcome, [problem]);
        Assert.Equal(
            $"""
            before: ok, 0.1 s
                VmallocChunk
            load fix: status 1, 0.2 s
            transition fix: did not end, 60.0 s
            not tested with hw: No such device
            failed on 6.12.1
            ELP0825 the kernel logged an oops or a warning
              WARNING: CPU: 0
              what to do: {VirtualMachineProblems.KernelComplained.Remedy}

            """.ReplaceLineEndings("\n"),
            output.ToString()
        );
    }

    [Fact]
    public void An_inspection_counts_rules_kept_broken_and_unknown()
    {
        var report = new InspectReport(
            "fix",
            "6.12.1 SMP",
            "GPL",
            [],
            PatchForm.Static,
            true,
            [new("vmlinux", "show", 2, "show", 64)],
            ["vmlinux pre_patch prepare"],
            [new("vmlinux", "hidden", 3)],
            [new("_printk", 0x92997ed8, false)],
            [new("__bug_table", 24, 2)],
            new(100, 20, 0, 8),
            [
                new("a", "One", RuleState.Passed, ""),
                new("b", "Two", RuleState.Failed, "why"),
                new("c", "Three", RuleState.NotCheckable, ""),
            ]
        );
        var output = new StringWriter();
        InspectText.Write(output, report);
        Assert.Matches(@"(?m)^  show \(number 2 of that name\)  by show, 64 bytes$", output.ToString());
        Assert.Matches(@"(?m)^  FAILED +Two +why$", output.ToString());
        Assert.EndsWith("1 rules kept, 1 broken, 1 not checkable\n", output.ToString(), StringComparison.Ordinal);
    }
}
