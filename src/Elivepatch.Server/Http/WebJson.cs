using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Elivepatch.Protocol.Api;

namespace Elivepatch.Server.Http;

/// <summary>JSON of requests and answers: that of <see cref="ProtocolJson"/>, and stricter with what comes in.</summary>
internal static class WebJson
{
    /// <summary>Sets the framework's options.</summary>
    public static void Set(JsonSerializerOptions options)
    {
        var protocol = ProtocolJson.Default.Options;
        options.TypeInfoResolver = JsonTypeInfoResolver.Combine(ProtocolJson.Default, new DefaultJsonTypeInfoResolver());
        options.PropertyNamingPolicy = protocol.PropertyNamingPolicy;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.DefaultIgnoreCondition = protocol.DefaultIgnoreCondition;
        options.MaxDepth = protocol.MaxDepth;
        options.Encoder = protocol.Encoder;
        // Which of two members counts would be anybody's guess, and a null where none is meant is a mistake.
        options.AllowDuplicateProperties = false;
        options.RespectNullableAnnotations = true;
        // A member that means nothing here is a word that somebody meant: "basePatch" is no patch.
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.RespectRequiredConstructorParameters = true;
        options.Converters.Add(new JsonStringEnumConverter(allowIntegerValues: false));
    }
}
