using Elivepatch.Model;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Pages;

/// <summary>The list of kernels.</summary>
/// <param name="Kernels">The kernels, newest first.</param>
/// <param name="Builds">How many builds each has.</param>
/// <param name="Text">What was searched for; empty for nothing.</param>
/// <param name="Left">How many more there are.</param>
public sealed record KernelsModel(
    IReadOnlyList<KernelView> Kernels,
    IReadOnlyDictionary<string, long> Builds,
    string Text,
    int Left
)
{
    private const int MostKernels = 100;

    /// <summary>Reads and shows it.</summary>
    internal static async Task<IResult> ShowAsync(
        HttpContext context,
        string? q,
        KernelTable kernels,
        KernelRegistry registry,
        BuildTable builds,
        CancellationToken cancellation
    )
    {
        var text = (q ?? "").Trim();
        if (SearchText.FindProblem(text) is { } why)
        {
            return PageProblems.PageFor(new Problem(ServerProblems.RequestMalformed, why));
        }

        var found = (await kernels.ListAsync(Caller.Of(context.User)!.Id, cancellation)).Where(k => IsFound(k, text)).ToList();
        var views = new List<KernelView>();
        foreach (var kernel in found.Take(MostKernels))
        {
            views.Add(await registry.ViewAsync(kernel, cancellation));
        }

        return new PageResult<KernelsPage, KernelsModel>(
            new(views, await builds.CountByKernelAsync(cancellation), text, found.Count - views.Count)
        );
    }

    private static bool IsFound(StoredKernel kernel, string text) =>
        text.Length == 0
        || kernel.Release.Contains(text, StringComparison.OrdinalIgnoreCase)
        || kernel.BuildId.Contains(text, StringComparison.OrdinalIgnoreCase)
        || kernel.Id.Contains(text, StringComparison.OrdinalIgnoreCase)
        || kernel.Compiler.Contains(text, StringComparison.OrdinalIgnoreCase);
}

/// <summary>One kernel.</summary>
/// <param name="Kernel">What is known of it.</param>
/// <param name="Stored">As it is kept.</param>
/// <param name="Builds">Its newest builds.</param>
/// <param name="HasMore">True where it has more builds than these.</param>
public sealed record KernelModel(KernelView Kernel, StoredKernel Stored, IReadOnlyList<BuildView> Builds, bool HasMore)
{
    private const int MostBuilds = 50;

    /// <summary>Reads and shows it.</summary>
    internal static async Task<IResult> ShowAsync(
        HttpContext context,
        string kernel,
        KernelTable kernels,
        KernelRegistry registry,
        BuildTable builds,
        CancellationToken cancellation
    )
    {
        if (await kernels.FindAsync(kernel, Caller.Of(context.User)!.Id, cancellation) is not { } found)
        {
            return PageProblems.PageFor(KernelRegistry.Unknown(kernel));
        }

        var its = await builds.SearchAsync(new() { Kernel = kernel }, MostBuilds + 1, cancellation);
        return new PageResult<OneKernel, KernelModel>(
            new(
                await registry.ViewAsync(found, cancellation),
                found,
                [.. its.Take(MostBuilds).Select(BuildViews.Of)],
                its.Count > MostBuilds
            )
        );
    }
}
