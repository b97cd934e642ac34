// In: all that determines a build. Out: its digest, which is its id. Equal requests have equal ids and share one build; whatever
// could make another result makes another id.

using System.Globalization;
using Elivepatch.Engine.SelfCheck;
using Elivepatch.Kernel.Build;
using Elivepatch.Model;
using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Builds;

/// <summary>Names builds.</summary>
public static class BuildIdentity
{
    // Raised whenever the same inputs make another result.
    private const string Version = "build-1";

    /// <summary>The id of a build.</summary>
    /// <param name="submission">What a client asks for.</param>
    /// <param name="kernel">The kernel with the parts that clients sent: with a boot image the result is another.</param>
    /// <param name="policy">What the operator decided.</param>
    /// <param name="engine">Version of the engine.</param>
    /// <param name="rules">Number of the rules that it checks with: what older ones let through answers nobody who asks
    /// now.</param>
    public static string Of(
        BuildSubmission submission,
        StoredKernel kernel,
        ServicePolicy policy,
        string engine,
        int rules = ModuleRules.Version
    ) =>
        ContentDigest
            .OfParts([
                Version,
                engine,
                rules.ToString(CultureInfo.InvariantCulture),
                kernel.Id,
                kernel.Source ?? "",
                kernel.BootImage ?? "",
                .. Files(submission.BasePatches),
                .. Files(submission.Patches),
                submission.Name is null ? "" : "=" + submission.Name,
                submission.Replace ? "replace" : "",
                submission.Script is null
                    ? ""
                    : string.Create(CultureInfo.InvariantCulture, $"{policy.ScriptTime.TotalSeconds}={submission.Script}"),
                policy.Trial.ToString(),
                policy.ModuleCertificate ?? "",
                .. Units(policy),
                .. Modules(submission.Modules),
                .. Statements(submission.Statements),
            ])
            .Hex;

    // What was refused for its number of units is another build where more are allowed.
    private static string[] Units(ServicePolicy policy) =>
        policy.MostUnits == BuildRequest.UsualMostUnits ? [] : ["units", policy.MostUnits.ToString(CultureInfo.InvariantCulture)];

    private static string[] Modules(IReadOnlyList<ModuleFile> files) =>
        files.Count == 0
            ? []
            :
            [
                "modules",
                files.Count.ToString(CultureInfo.InvariantCulture),
                .. files.SelectMany(f => (string[])[f.Name, f.Sha256]),
            ];

    // Last, so that their number needs no saying: a build without statements is named as it was before there were any.
    private static IEnumerable<string> Statements(IReadOnlyList<AuthorStatement> statements) =>
        statements.SelectMany(s => (string[])[StatementKinds.WordOf(s.Kind)!, s.Unit, s.Name, s.Reason]);

    // The count before them keeps two lists apart.
    private static IEnumerable<string> Files(IReadOnlyList<PatchFile> files) =>
        [
            files.Count.ToString(CultureInfo.InvariantCulture),
            .. files.SelectMany(f => (string[])[f.Name, ContentDigest.Of(f.Content).Hex]),
        ];
}
