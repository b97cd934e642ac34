// In: the endpoints. Out: their OpenAPI description, identical on every machine: docs/api/v1.json is this document.

using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Protocol.Api;
using Elivepatch.Server.Security;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Elivepatch.Server.Api;

/// <summary>Describes the HTTP API.</summary>
internal static class ApiDescription
{
    private const string Document = "v1";
    private const string Bearer = "token";

    /// <summary>Adds the services that generate the description.</summary>
    public static void Add(IServiceCollection services) =>
        services.AddOpenApi(
            Document,
            options =>
            {
                options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
                options.AddOperationTransformer(DescribeAsync);
                options.AddSchemaTransformer(DescribeAsync);
                options.AddDocumentTransformer(DescribeAsync);
            }
        );

    /// <summary>Adds the endpoint that serves the description.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.MapOpenApi(Routes.Description).AllowAnonymous();

    private static async Task DescribeAsync(
        OpenApiDocument document,
        OpenApiDocumentTransformerContext context,
        CancellationToken cancellation
    )
    {
        document.Info = new()
        {
            Title = "elivepatchd",
            Version = Document,
            Description = "Builds, tests and signs livepatch modules for Linux kernels.",
        };
        // The address of the server is not part of the API.
        document.Servers = [];
        document.AddComponent(
            Bearer,
            new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                Description = "A token of the server, with the scopes that its operator granted.",
            }
        );
        LetAnswersGrow(document);
        document.AddComponent(
            nameof(ProblemDetails),
            await context.GetOrCreateSchemaAsync(typeof(ProblemDetails), null, cancellation)
        );
    }

    // An unknown member is an error in a request. A newer server may well answer with one.
    private static void LetAnswersGrow(OpenApiDocument document)
    {
        var schemas = document.Components?.Schemas ?? new Dictionary<string, IOpenApiSchema>();
        var asked = new HashSet<string>();
        var open = new Queue<IOpenApiSchema>(
            document
                .Paths.Values.SelectMany(p => p.Operations ?? [])
                .Select(o => o.Value)
                .SelectMany(o => o.RequestBody?.Content?.Values ?? [])
                .Select(c => c.Schema)
                .OfType<IOpenApiSchema>()
        );
        while (open.TryDequeue(out var schema))
        {
            if (
                schema is OpenApiSchemaReference { Reference.Id: { } id }
                && asked.Add(id)
                && schemas.TryGetValue(id, out var named)
            )
            {
                open.Enqueue(named);
            }

            foreach (var part in (schema.Properties?.Values ?? []).Append(schema.Items).OfType<IOpenApiSchema>())
            {
                open.Enqueue(part);
            }
        }

        foreach (var (_, schema) in schemas.Where(s => !asked.Contains(s.Key)))
        {
            if (schema is OpenApiSchema answer)
            {
                answer.AdditionalPropertiesAllowed = true;
            }
        }
    }

    // Null members are omitted from answers; members omitted from a request have their initial value.
    private static Task DescribeAsync(
        OpenApiSchema schema,
        OpenApiSchemaTransformerContext context,
        CancellationToken cancellation
    )
    {
        var type = context.JsonTypeInfo;
        var initial =
            type.Kind == JsonTypeInfoKind.Object && type.Type.GetConstructor([]) is not null
                ? Activator.CreateInstance(type.Type)
                : null;
        foreach (var property in type.Properties)
        {
            if (property.IsGetNullable)
            {
                schema.Required?.Remove(property.Name);
            }

            if (
                schema.Properties is null
                || !schema.Properties.TryGetValue(property.Name, out var found)
                || found is not OpenApiSchema described
            )
            {
                continue;
            }

            if (
                initial is not null
                && property is { IsRequired: false, Set: not null, Get: { } get }
                && get(initial) is { } value
            )
            {
                described.Default ??= JsonSerializer.SerializeToNode(value, property.PropertyType, type.Options);
            }

            if (
                property.AttributeProvider?.GetCustomAttributes(typeof(AllowedValuesAttribute), inherit: true)
                is [AllowedValuesAttribute allowed]
            )
            {
                described.Enum = [.. allowed.Values.Select(v => (JsonNode)JsonValue.Create((string)v!))];
            }
        }

        return Task.CompletedTask;
    }

    private static Task DescribeAsync(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancellation
    )
    {
        operation.Responses ??= [];
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "The request failed.",
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
