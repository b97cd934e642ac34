using System.ComponentModel;
using Elivepatch.Kernel.Records;
using Elivepatch.Model;
using Elivepatch.Protocol;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Configuration;
using Elivepatch.Server.Http;
using Elivepatch.Server.Kernels;
using Elivepatch.Server.Security;
using Elivepatch.Server.State;

namespace Elivepatch.Server.Api;

/// <summary>Kernels: what machines told of them, and what is missing.</summary>
internal static class KernelEndpoints
{
    private const string Bytes = "application/octet-stream";
    private const string Gzip = "application/gzip";

    /// <summary>Adds the endpoints.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerOptions options)
    {
        routes
            .MapGet(ApiRoutes.Kernels, ListAsync)
            .RequireScope(TokenScopes.Read)
            .Describe("kernels", "listKernels", "Lists the kernels, newest first.");
        routes
            .MapPost(ApiRoutes.Kernels, TellAsync)
            .Accepts<Stream>(Bytes, Gzip)
            .Produces<KernelView>()
            .RequireScope(TokenScopes.Submit)
            .AllowUpload(options.MaxCaptureBytes)
            .Describe("kernels", "addKernel", "Registers a kernel from a capture. Idempotent.");
        routes
            .MapGet(Routes.Kernel, FindAsync)
            .Produces<KernelView>()
            .RequireScope(TokenScopes.Read)
            .Describe("kernels", "getKernel", "Returns one kernel, with its missing parts.");
        routes
            .MapPut(Routes.KernelPart, AddPartAsync)
            .Accepts<Stream>(Bytes, Gzip)
            .Produces<KernelView>()
            .RequireScope(TokenScopes.Submit)
            .AllowUpload(options.MaxSourceBytes)
            .Describe(
                "kernels",
                "addKernelPart",
                "Uploads a missing part of a kernel, its source (a tar archive), its boot image or the file of one of its modules, for "
                    + "the token's own builds or, with the scope operate, for those of all tokens."
            );
        routes
            .MapDelete(Routes.Kernel, RemoveAsync)
            .Produces(StatusCodes.Status204NoContent)
            .RequireScope(TokenScopes.Operate)
            .Describe("kernels", "removeKernel", "Removes a kernel that no build refers to.");
    }

    private static Task<IReadOnlyList<KernelView>> ListAsync(
        HttpContext context,
        KernelRegistry kernels,
        CancellationToken cancellation
    ) => kernels.ListAsync(Caller.Of(context.User)!.Id, cancellation);

    private static Task<IResult> TellAsync(
        HttpContext context,
        UploadedBlobs uploads,
        KernelRegistry kernels,
        ServerOptions options,
        CancellationToken cancellation
    ) =>
        AnswerAsync(
            context,
            uploads.UseAsync(
                context.Request.Body,
                options.MaxCaptureBytes,
                capture =>
                {
                    var caller = Caller.Of(context.User)!;
                    return kernels.RegisterAsync(capture, caller.Id, caller.Name, cancellation);
                },
                cancellation
            )
        );

    private static async Task<IResult> FindAsync(
        HttpContext context,
        [Description("The kernel's ID.")] string kernel,
        KernelRegistry kernels,
        CancellationToken cancellation
    ) => await AnswerAsync(context, kernels.FindAsync(kernel, Caller.Of(context.User)!.Id, cancellation));

    private static async Task<IResult> AddPartAsync(
        HttpContext context,
        [Description("The kernel's ID.")] string kernel,
        [Description("source, boot-image, or module:NAME.")] string part,
        UploadedBlobs uploads,
        KernelRegistry kernels,
        ServerOptions options,
        CancellationToken cancellation
    )
    {
        // Two gigabytes are not received to be thrown away.
        if (KernelRegistry.CheckName(part) is { } unknown)
        {
            return ProblemResponses.Create([unknown]);
        }

        if (part == KernelParts.Source && !options.AllowUploadedSource)
        {
            return ProblemResponses.Create(ServiceProblems.PartForbidden, "the server takes no source from clients");
        }

        var caller = Caller.Of(context.User)!;
        var known = await kernels.FindAsync(kernel, caller.Id, cancellation);
        if (!known.Succeeded)
        {
            return ProblemResponses.Create(known.Problems);
        }

        var owner = caller.IsOperator ? KernelTable.Operator : caller.Id;
        var most = part switch
        {
            KernelParts.Source => options.MaxSourceBytes,
            KernelParts.BootImage => Math.Min(BootImage.Largest, options.MaxSourceBytes),
            _ => Math.Min(ModuleContent.Largest, options.MaxSourceBytes),
        };
        return await AnswerAsync(
            context,
            uploads.UseAsync(
                context.Request.Body,
                most,
                blob => kernels.AddPartAsync(kernel, part, blob, owner, cancellation),
                cancellation
            )
        );
    }

    private static async Task<IResult> RemoveAsync(
        HttpContext context,
        [Description("The kernel's ID.")] string kernel,
        KernelRegistry kernels,
        CancellationToken cancellation
    )
    {
        var known = await kernels.FindAsync(kernel, Caller.Of(context.User)!.Id, cancellation);
        if (!known.Succeeded)
        {
            return ProblemResponses.Create(known.Problems);
        }

        return await kernels.RemoveAsync(kernel, cancellation)
            ? TypedResults.NoContent()
            : ProblemResponses.Create(ServerProblems.KernelInUse, "builds refer to it");
    }

    private static async Task<IResult> AnswerAsync(HttpContext context, Task<Outcome<KernelView>> asked)
    {
        var outcome = await asked;
        if (!outcome.TryGet(out var kernel))
        {
            return ProblemResponses.Create(outcome.Problems);
        }

        AuditTrail.SetSubject(context, kernel.Id);
        return TypedResults.Ok(kernel);
    }
}
