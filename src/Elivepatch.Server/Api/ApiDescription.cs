// In: the endpoints. Out: their description as OpenAPI has it, the same on every machine: docs/api/v1.json is this document.

using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Elivepatch.Server.Api;

/// <summary>Describes the interface.</summary>
internal static class ApiDescription
{
    private const string Document = "v1";
    private const string Bearer = "token";

    /// <summary>Adds what describes.</summary>
    public static void Add(IServiceCollection services) => services.AddOpenApi(Document, options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddOperationTransformer(DescribeAsync);
        options.AddSchemaTransformer(DescribeAsync);
        options.AddDocumentTransformer(DescribeAsync);
    });

    /// <summary>Adds the endpoint that gives the description.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.MapOpenApi(Routes.Description).AllowAnonymous();

    private static async Task DescribeAsync(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellation)
    {
        document.Info = new()
        {
            Title = "elivepatchd",
            Version = Document,
            Description = "Builds, tests and signs livepatch modules for Linux kernels.",
        };
        // Where it is served is no part of what it is.
        document.Servers = [];
        document.AddComponent(Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "A token of the server, with the scopes that its operator gave it.",
        });
        document.AddComponent(
            nameof(ProblemDetails), await context.GetOrCreateSchemaAsync(typeof(ProblemDetails), null, cancellation));
    }

    // What is null is left out of answers.
    private static Task DescribeAsync(
        OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellation)
    {
        foreach (var property in context.JsonTypeInfo.Properties.Where(p => p.IsGetNullable))
            schema.Required?.Remove(property.Name);
        return Task.CompletedTask;
    }

    private static Task DescribeAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        operation.Responses ??= [];
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "What kept it from being done.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ProblemDetails.MediaType] = new()
                {
                    Schema = new OpenApiSchemaReference(nameof(ProblemDetails), context.Document),
                },
            },
        };
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<NeededScope>().FirstOrDefault() is { } scope)
        {
            operation.Description = $"Needs the scope `{scope.Name}`.";
            operation.Security = [new() { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] }];
        }

        return Task.CompletedTask;
    }
}
