using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Elivepatch.Tests;

/// <summary>
/// What a member that is not there is read as. Source-generated readers give a member with <c>init</c> the default of its type
/// and not its initial value, so that a missing list is null and a missing "true" is false.
/// </summary>
internal static class JsonDefaults
{
    /// <summary>
    /// The members of all types of a context, and of what they are made of, that are read otherwise than their initial value says
    /// where they are missing: <c>Type.Member</c>.
    /// </summary>
    public static IReadOnlyList<string> Misread(JsonSerializerContext context)
    {
        var wrong = new SortedSet<string>(StringComparer.Ordinal);
        var seen = new HashSet<Type>();
        var open = new Queue<Type>(
            context
                .GetType()
                .CustomAttributes.Where(a => a.AttributeType == typeof(JsonSerializableAttribute))
                .Select(a => (Type)a.ConstructorArguments[0].Value!)
        );
        while (open.TryDequeue(out var type))
        {
            if (!seen.Add(type) || context.GetTypeInfo(type) is not { } info)
            {
                continue;
            }

            if (info.ElementType is { } element)
            {
                open.Enqueue(element);
            }

            foreach (var property in info.Properties)
            {
                open.Enqueue(Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
            }

            if (info.Kind != JsonTypeInfoKind.Object || type.GetConstructor([]) is null)
            {
                continue;
            }

            var initial = Activator.CreateInstance(type)!;
            var read = JsonSerializer.Deserialize(Sample(info, context), info)!;
            wrong.UnionWith(
                info.Properties.Where(p => p is { IsRequired: false, Set: not null, Get: not null })
                    .Where(p => !Same(p.Get!(initial), p.Get!(read)))
                    .Select(p => $"{type.Name}.{p.Name}")
            );
        }

        return [.. wrong];
    }

    /// <summary>Nothing but what a type requires, as JSON.</summary>
    public static JsonNode? Sample(JsonTypeInfo info, JsonSerializerContext context)
    {
        if (info.Kind is JsonTypeInfoKind.Enumerable)
        {
            return new JsonArray();
        }

        if (info.Kind is JsonTypeInfoKind.Dictionary)
        {
            return new JsonObject();
        }

        if (info.Kind is JsonTypeInfoKind.None)
        {
            return Simple(Nullable.GetUnderlyingType(info.Type) ?? info.Type, context);
        }

        var sample = new JsonObject();
        foreach (
            var property in info.Properties.Where(p =>
                p.IsRequired || p.AssociatedParameter is { HasDefaultValue: false, IsMemberInitializer: false }
            )
        )
        {
            sample[property.Name] = Sample(context.GetTypeInfo(property.PropertyType)!, context);
        }

        return sample;
    }

    private static JsonNode? Simple(Type type, JsonSerializerContext context) =>
        type == typeof(string) || type == typeof(byte[]) ? ""
        : type == typeof(bool) ? false
        : type.IsEnum ? JsonSerializer.SerializeToNode(Enum.GetValues(type).GetValue(0), context.GetTypeInfo(type)!)
        : type == typeof(DateTimeOffset) || type == typeof(DateTime)
            ? DateTimeOffset.UnixEpoch.ToString("o", CultureInfo.InvariantCulture)
        : type == typeof(TimeSpan) ? "00:00:00"
        : type == typeof(Guid) ? Guid.Empty.ToString()
        : JsonValue.Create(1);

    private static bool Same(object? one, object? other) =>
        one is ICollection { Count: 0 } ? other is ICollection { Count: 0 } : Equals(one, other);
}
