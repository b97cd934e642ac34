namespace Elivepatch.Machine.Service;

/// <summary>Where a manifest lies beside its module.</summary>
public static class ManifestFile
{
    /// <summary>What its name adds to the module's.</summary>
    public const string Ending = ".manifest.json";

    /// <summary>Its path, where nothing else is said.</summary>
    public static string PathFor(string module) => module + Ending;
}
