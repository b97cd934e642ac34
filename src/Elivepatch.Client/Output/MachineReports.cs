using Elivepatch.Model.Statements;
using Elivepatch.Protocol.Manifests;

namespace Elivepatch.Client.Output;

/// <summary>A server whose key was pinned.</summary>
/// <param name="Server">Its address.</param>
/// <param name="Key">Identity of the key.</param>
/// <param name="HasToken">True where a token is kept for it.</param>
internal sealed record TrustReport(string Server, string Key, bool HasToken);

/// <summary>A server that is not trusted any more.</summary>
/// <param name="Server">Its address.</param>
/// <param name="Key">Identity of the key that was pinned.</param>
/// <param name="HadToken">True where a token was kept for it.</param>
/// <param name="Livepatches">Livepatches of the running kernel that were accepted from it and may be live.</param>
internal sealed record ForgetReport(string Server, string Key, bool HadToken, IReadOnlyList<string> Livepatches);

/// <summary>Whether livepatches are loaded at boot.</summary>
/// <param name="IsOn">True where they are.</param>
/// <param name="Unit">Where the systemd unit, or the service script of OpenRC, is or was.</param>
internal sealed record PersistReport(bool IsOn, string Unit)
{
    /// <summary>When they are loaded: <c>beforeModules</c> or <c>afterFileSystems</c>; null where they are not.</summary>
    public string? Place { get; init; }

    /// <summary>Where a damaged <c>boot.json</c> is now; null where it was not damaged.</summary>
    public string? SetAside { get; init; }
}

/// <summary>What was loaded at boot.</summary>
/// <param name="Module">The livepatch; null for none.</param>
/// <param name="WasLoaded">True where this run loaded it.</param>
/// <param name="Reason">Why none was.</param>
internal sealed record LoadPersistedReport(string? Module, bool WasLoaded, string Reason);

/// <summary>What a manifest says of a module that may be believed.</summary>
/// <param name="File">The module's file.</param>
/// <param name="Module">Its name.</param>
/// <param name="Sha256">Its digest.</param>
/// <param name="Key">Identity of the key that signed.</param>
/// <param name="Release">The kernel's release.</param>
/// <param name="BuildId">Its build-id.</param>
/// <param name="Compiler">The compiler.</param>
/// <param name="Patches">The patches that it makes live.</param>
/// <param name="BasePatches">The patches that the kernel was built with.</param>
/// <param name="Units">The translation units, each with the level of its proof.</param>
/// <param name="Tested">True where it passed its test in a virtual machine; null where there was none.</param>
/// <param name="Issued">When the manifest was issued.</param>
/// <param name="Expires">When it ends.</param>
internal sealed record VerifyReport(
    string File,
    string Module,
    string Sha256,
    string Key,
    string Release,
    string BuildId,
    string Compiler,
    IReadOnlyList<PatchReference> Patches,
    IReadOnlyList<PatchReference> BasePatches,
    IReadOnlyList<Model.Explanations.ExplainedUnit> Units,
    bool? Tested,
    DateTimeOffset Issued,
    DateTimeOffset Expires
)
{
    /// <summary>What the authors of its patches state, each with its reason.</summary>
    public IReadOnlyList<AuthorStatement> Statements { get; init; } = [];

    /// <summary>The objects of the kernel that it patches.</summary>
    public IReadOnlyList<Model.Explanations.ExplainedObject> Objects { get; init; } = [];

    /// <summary>The patched modules about which its test says nothing, each with the reason.</summary>
    public IReadOnlyList<string> Untested { get; init; } = [];

    /// <summary>The addresses of the module that the kernel may keep: with any, it cannot be unloaded.</summary>
    public IReadOnlyList<Model.Explanations.ExplainedEscape> KeptInMemory { get; init; } = [];

    /// <summary>Gathers the report from a statement that was checked.</summary>
    public static VerifyReport Of(string path, string key, Statement statement)
    {
        var definition = statement.Predicate.BuildDefinition;
        var asked = definition.ExternalParameters;
        var made = definition.InternalParameters;
        var validity = statement.Predicate.Validity;
        return new(
            path,
            asked.Module,
            statement.Subject[0].Digest.Sha256,
            key,
            asked.Release,
            asked.BuildId,
            made.Compiler,
            asked.Patches ?? [],
            asked.BasePatches ?? [],
            made.Units ?? [],
            made.Test?.Passed,
            validity.IssuedOn,
            validity.ExpiresOn
        )
        {
            Statements = asked.Statements ?? [],
            KeptInMemory = made.KeptInMemory,
            Objects = made.Objects,
            Untested = made.Test?.Untested ?? [],
        };
    }
}
