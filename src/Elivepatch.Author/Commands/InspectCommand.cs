using System.CommandLine;
using Elivepatch.Author.Inputs;
using Elivepatch.Author.Output;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Engine.Targets;
using Elivepatch.Kernel.Build;
using Elivepatch.Kernel.Import;
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
        var moduleFiles = KernelCommand.ModuleOption();
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
            moduleFiles,
            json,
        };
        verb.SetAction(
            (parsed, cancellation) =>
                RunAsync(
                    session,
                    parsed.GetRequiredValue(file),
                    parsed.GetValue(kernel),
                    parsed.GetValue(moduleFiles) ?? [],
                    parsed.GetValue(json),
                    cancellation
                )
        );
        return verb;
    }

    private static async Task<int> RunAsync(
        Session session,
        string path,
        string? kernelName,
        IReadOnlyList<string> moduleFiles,
        bool asJson,
        CancellationToken cancellation
    )
    {
        var record = kernelName is null ? null : KernelCommand.Open(session, kernelName);
        var target = record is null ? TargetKernel.Unknown : record.Then(ReadTarget);
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

        var kernel = record is null
            ? target
            : await WithModulesAsync(session, target.Value, record.Value, moduleFiles, module, cancellation);
        if (!kernel.TryGet(out var known))
        {
            return Answer.Fail(session, kernel.Problems, asJson, cancellation);
        }

        var rules = ModuleRules.Check(file.Value, module, known);
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

    // The files of the modules that it patches or refers to. Without one the rules that need it say so.
    private static async Task<Outcome<TargetKernel>> WithModulesAsync(
        Session session,
        TargetKernel target,
        KernelRecord record,
        IReadOnlyList<string> moduleFiles,
        LivepatchModule module,
        CancellationToken cancellation
    )
    {
        var cache = KernelCommand.OpenCache(session);
        if (!cache.TryGet(out var root))
        {
            return Outcome<TargetKernel>.Failure(cache.Problems);
        }

        var given = await GivenModules.ReadAsync(record, moduleFiles, cancellation);
        if (!given.Succeeded)
        {
            return Outcome<TargetKernel>.Failure(given.Problems);
        }

        var files = new ModuleFiles(root, record, given.Value);
        var found = new List<ModuleTarget>();
        foreach (var name in module.ModuleNames)
        {
            if ((await files.OpenAsync([name], cancellation)).TryGet(out var opened))
            {
                found.AddRange(opened);
            }
        }

        return target with
        {
            Modules = found,
            Exports = target.Exports?.With(files.Given.Exports),
        };
    }
}
