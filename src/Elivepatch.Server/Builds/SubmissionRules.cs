// In: a submission as it came over the network. Out: everything that is wrong with it before anything is done.

using Elivepatch.Kernel.Patches;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Security;

namespace Elivepatch.Server.Builds;

/// <summary>What a submission may look like.</summary>
internal static class SubmissionRules
{
    private const int MostPatches = 500;
    private const int MostBasePatches = 2000;
    private const int MostModules = 100;
    private const long LargestTotal = 128L << 20;
    private const int LongestScript = 256 << 10;
    private const int LongestName = 200;

    /// <summary>The problems; empty where it is fine.</summary>
    public static IReadOnlyList<Problem> Check(BuildSubmission submission, ServicePolicy policy)
    {
        if (submission is not { Kernel: not null, Patches: not null, BasePatches: not null })
        {
            return [Malformed("kernel or patches are missing")];
        }

        var problems = new List<Problem>();
        problems.AddRange(Files("patches", submission.Patches, MostPatches));
        problems.AddRange(Files("basePatches", submission.BasePatches, MostBasePatches));
        if (Modules(submission.Modules) is { } stranger)
        {
            problems.Add(Malformed(stranger));
        }

        if (StatementRules.Check(submission.Statements) is { } unfit)
        {
            problems.Add(Malformed($"statements: {unfit}"));
        }

        if (submission.Patches.Count == 0)
        {
            problems.Add(Malformed("there is no patch to make live"));
        }

        if (problems.Count > 0)
        {
            return problems;
        }

        if (submission.Patches.Concat(submission.BasePatches).Sum(p => (long)p.Content.Length) > LargestTotal)
        {
            problems.Add(new(ServiceProblems.RequestTooLarge, $"the patches together have more than {LargestTotal >> 20} MiB"));
        }

        if (submission.Name is { } name)
        {
            problems.AddRange(ModuleName.Check(name).Problems);
        }

        if (submission.Script is { } script && Script(script) is { } wrong)
        {
            problems.Add(wrong);
        }

        if (!policy.AllowBuildPatches)
        {
            problems.AddRange(submission.BasePatches.Select(Forbidden).OfType<Problem>());
        }

        return problems;
    }

    private static IEnumerable<Problem> Files(string list, IReadOnlyList<PatchFile> files, int most)
    {
        if (files.Count > most)
        {
            yield return new(ServiceProblems.RequestTooLarge, $"{list} has {files.Count} entries, more than {most}");
            yield break;
        }

        for (var i = 0; i < files.Count; i++)
        {
            if (files[i] is not { Name: not null, Content: not null } file || !IsPlainName(file.Name))
            {
                yield return Malformed($"{list}[{i}] has no plain file name (letters, digits and . _ + - ,)");
            }
            else if (file.Content.Length is 0 or > PatchFile.Largest)
            {
                yield return new(
                    ServiceProblems.RequestTooLarge,
                    $"{list}[{i}] has {file.Content.Length} bytes, not 1 to {PatchFile.Largest}"
                );
            }
        }
    }

    private static string? Modules(IReadOnlyList<ModuleFile> modules) =>
        modules.Count > MostModules ? $"modules has {modules.Count} entries, more than {MostModules}"
        : modules.Any(m =>
            m is not { Name: not null, Sha256: not null } || !ModuleName.IsOfKernel(m.Name) || !ContentDigest.IsHex(m.Sha256)
        )
            ? "modules: an entry has no name of a module or no SHA-256"
        : modules.DistinctBy(m => m.Name, StringComparer.Ordinal).Count() < modules.Count ? "modules: one is named twice"
        : null;

    // It becomes the name of a file, a word of messages and a part of a module's description.
    private static bool IsPlainName(string name) =>
        name.Length is > 0 and <= LongestName
        && (char.IsAsciiLetterOrDigit(name[0]) || name[0] == '_')
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '+' or '-' or ',');

    private static Problem? Script(string script)
    {
        if (script.Length > LongestScript)
        {
            return new(ServiceProblems.RequestTooLarge, $"the script has more than {LongestScript} characters");
        }

        return script.Contains('\0', StringComparison.Ordinal) || string.IsNullOrWhiteSpace(script)
            ? Malformed("the script is empty or has a NUL character")
            : null;
    }

    private static Problem? Forbidden(PatchFile patch) =>
        BuildFilePaths.FindIn(patch.Content) is { Count: > 0 } paths
            ? new(
                ServerProblems.BuildPatchForbidden,
                $"{patch.Name}: {string.Join(", ", paths.Take(5).Select(p => PlainText.Of(p, 100)))}"
            )
            : null;

    private static Problem Malformed(string reason) => new(ServerProblems.RequestMalformed, reason);
}
