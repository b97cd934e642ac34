using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Api;

/// <summary>The paths of <see cref="ApiRoutes"/> as patterns.</summary>
internal static class Routes
{
    public const string Kernel = ApiRoutes.Kernels + "/{kernel}";
    public const string KernelPart = Kernel + "/parts/{part}";
    public const string Build = ApiRoutes.Builds + "/{build}";
    public const string Cancel = Build + "/cancel";
    public const string Events = Build + "/events";
    public const string Log = Build + "/log";
    public const string Artifact = Build + "/artifact";
    public const string Manifest = Build + "/manifest";
    public const string Explanation = Build + "/explanation";
    public const string Console = Build + "/console";
    public const string Token = ApiRoutes.Tokens + "/{token}";

    /// <summary>The description of the interface.</summary>
    public const string Description = ApiRoutes.Root + "/openapi.json";
}
