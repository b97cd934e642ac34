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
    public const string Withdrawal = ApiRoutes.Withdrawals + "/{module}";
    public const string Token = ApiRoutes.Tokens + "/{token}";
    public const string Worker = ApiRoutes.Workers + "/{worker}";
    public const string Toolchain = ApiRoutes.Toolchains + "/{digest}";
    public const string Work = ApiRoutes.Work + "/{build}";
    public const string WorkBegin = Work + "/begin";
    public const string WorkInput = Work + "/inputs/{digest}";
    public const string WorkEvents = Work + "/events";
    public const string WorkSignature = Work + "/signature";
    public const string WorkResult = Work + "/result";
    public const string WorkRelease = Work + "/release";

    /// <summary>The description of the interface.</summary>
    public const string Description = ApiRoutes.Root + "/openapi.json";
}
