using System.CommandLine;
using Elivepatch.Author.Inputs;
using Elivepatch.Author.Output;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;
using Elivepatch.Terminal;

namespace Elivepatch.Author.Commands;

/// <summary><c>elivepatch inspect</c>.</summary>
internal static class InspectCommand
{
    /// <summary>The verb.</summary>
    public static Verb Create(Session session)
    {
        var file = new Argument<string>("FILE.ko") { Description = "A livepatch module, built by this program or by another." };
        var kernel = KernelCommand.Option();
        kernel.Required = false;
        var json = CommonOptions.Json();
        var verb = new Verb(
            AuthorVerbs.Inspect,
            """
            Reads the module; nothing is loaded. With --kernel the rules about the kernel that is to load it are checked as well:
            that every function and symbol exists there at its position, and that CRCs agree. Without it they are reported as
            unknown.

            Exit status: 0 no checked rule is broken, 4 a rule is broken, 5 the module is for another kernel.
            """,
            new Example("elivepatch inspect livepatch-fix.ko", "Show what it does and check the rules that need no kernel."),
            new Example("elivepatch inspect -k 6.12.117+deb12-cloud-amd64 livepatch-fix.ko", "Also check it against that kernel.")
        )
        {
            file,
            kernel,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                Task.FromResult(
                    Run(session, parsed.GetRequiredValue(file), parsed.GetValue(kernel), parsed.GetValue(json), cancellation)
                )
        );
        return verb;
    }

    private static int Run(Session session, string path, string? kernelName, bool asJson, CancellationToken cancellation)
    {
        var target = kernelName is null ? TargetKernel.Unknown : KernelCommand.Open(session, kernelName).Then(ReadTarget);
        var file = ObjectFile.Read(path);
        if (!target.Succeeded || !file.Succeeded)
        {
            return Answer.Fail(session, [.. target.Problems, .. file.Problems], asJson, cancellation);
        }

        var read = LivepatchModule.Read(file.Value, target.Value.Layouts);
        if (!read.TryGet(out var module))
        {
            return Answer.Fail(session, read.Problems, asJson, cancellation);
        }

        var rules = ModuleRules.Check(file.Value, module, target.Value);
        cancellation.ThrowIfCancellationRequested();
        var report = InspectReport.Of(module, Retention.Of(file.Value, module), rules);
        if (asJson)
        {
            Answer.WriteJson(session, report, AuthorJson.Default.InspectReport);
        }
        else
        {
            InspectText.Write(session.Output, report);
        }

        return ExitStatus.Of(rules.Select(r => r.Problem).OfType<Problem>());
    }

    private static Outcome<TargetKernel> ReadTarget(KernelRecord record)
    {
        return RunningKernel
            .Load(record)
            .Then<TargetKernel>(kernel =>
            {
                var exports = record.SymversPath is null ? null : kernel.Exports;
                return new TargetKernel(kernel.Symbols, exports, Vermagic: null, record.Facts.Layouts, kernel.Image);
            });
    }
}
