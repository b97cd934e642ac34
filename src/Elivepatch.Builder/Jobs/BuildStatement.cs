// In: a build and what came of it. Out: the statement about its module, as far as the builder can make it: who signs and until
// when is filled in by whoever has the keys.

using System.Text;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;
using Elivepatch.Model.Explanations;
using Elivepatch.Protocol.Api;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Builder.Jobs;

/// <summary>Writes statements.</summary>
internal static class BuildStatement
{
    private const string Server = "elivepatchd";

    /// <summary>The statement about a module.</summary>
    public static Statement Of(
        BuildOrder order,
        KernelRecord kernel,
        byte[] module,
        Explanation explanation,
        TestSummary? test,
        DateTimeOffset started,
        DateTimeOffset finished
    ) =>
        new()
        {
            Type = Statement.StatementType,
            Subject = [new($"{explanation.Name}.ko", new(ContentDigest.Of(module).Hex))],
            PredicateType = Statement.ProvenanceType,
            Predicate = new(
                new()
                {
                    BuildType = BuildDefinition.LivepatchType,
                    ExternalParameters = new(
                        kernel.Facts.Release,
                        kernel.Facts.BuildId,
                        PatchFile.ToReferences(order.Submission.Patches),
                        PatchFile.ToReferences(order.Submission.BasePatches),
                        explanation.Name,
                        order.Submission.Replace
                    )
                    {
                        Statements = order.Submission.Statements,
                    },
                    InternalParameters = new(EngineVersion.Current, kernel.Facts.Compiler, explanation.Units, test)
                    {
                        KeptInMemory = explanation.KeptInMemory,
                        Objects = explanation.Objects,
                    },
                    ResolvedDependencies = Dependencies(order, kernel),
                },
                new(
                    new("", new Dictionary<string, string> { [Server] = EngineVersion.Current }),
                    new(order.Id, started, finished)
                ),
                // Ended before it began: nobody may believe it until somebody with the keys has dated it.
                new(finished, DateTimeOffset.UnixEpoch)
            ),
        };

    /// <summary>The digest of a script; null where there is none.</summary>
    public static Sha256Digest? Script(string? script) =>
        script is null ? null : new(ContentDigest.Of(Encoding.UTF8.GetBytes(script)).Hex);

    private static List<ResourceDescriptor> Dependencies(BuildOrder order, KernelRecord kernel)
    {
        List<ResourceDescriptor> files =
        [
            new("kernel", new(order.Kernel.Id)),
            new("source", new(kernel.Facts.SourceDigest)),
            new("config", new(ContentDigest.Of(File.ReadAllBytes(kernel.ConfigPath)).Hex)),
            new("symbols", new(ContentDigest.Of(File.ReadAllBytes(kernel.KallsymsPath)).Hex)),
        ];
        if (kernel.BootImagePath is { } image)
        {
            files.Add(new("boot-image", new(ContentDigest.Of(File.ReadAllBytes(image)).Hex)));
        }

        files.AddRange(order.Submission.Modules.Select(m => new ResourceDescriptor(KernelParts.OfModule(m.Name), new(m.Sha256))));
        return files;
    }
}
