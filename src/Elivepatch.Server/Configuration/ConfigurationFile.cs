using System.Text.Json;
using Elivepatch.Builder;
using Elivepatch.Model;

namespace Elivepatch.Server.Configuration;

/// <summary>The configuration file: a JSON object with one member a setting. Comments and a comma too many are fine.</summary>
internal static class ConfigurationFile
{
    private const int Largest = 1 << 20;

    /// <summary>How JSON of operators is read.</summary>
    public static JsonDocumentOptions Reading { get; } =
        new()
        {
            AllowTrailingCommas = true,
            CommentHandling = JsonCommentHandling.Skip,
            MaxDepth = 8,
            AllowDuplicateProperties = false,
        };

    /// <summary>The texts of the settings by name, as the file has them.</summary>
    public static Outcome<List<KeyValuePair<string, string>>> Read(string path)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > Largest })
            {
                return Wrong(path, $"it has more than {Largest} bytes");
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path), Reading);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.EnumerateObject().Select(m => KeyValuePair.Create(m.Name, Text(m.Value))).ToList()
                : Wrong(path, "it is not a JSON object");
        }
        catch (JsonException e)
        {
            return Wrong(path, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Wrong(path, e.Message);
        }
    }

    // Lists of words are written as arrays or as one text.
    private static string Text(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Array
                when value.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String) && value.GetArrayLength() > 0 =>
                string.Join(' ', value.EnumerateArray().Select(e => e.GetString())),
            _ => value.GetRawText(),
        };

    private static Problem Wrong(string path, string reason) =>
        new(BuilderProblems.ConfigurationInvalid, $"the file {path}: {reason}");
}
