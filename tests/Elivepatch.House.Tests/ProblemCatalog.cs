using System.Reflection;
using Elivepatch.Model;

namespace Elivepatch.House.Tests;

/// <summary>Every problem that any part of the product knows: each is named where it can happen.</summary>
internal static class ProblemCatalog
{
    /// <summary>All codes, in numeric order.</summary>
    public static IReadOnlyList<ProblemCode> All { get; } =
    [
        .. ProductAssemblies
            .All.SelectMany(a => a.GetTypes())
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Where(f => f.FieldType == typeof(ProblemCode))
            .Select(f => (ProblemCode)f.GetValue(null)!)
            .OrderBy(c => c.Number),
    ];
}
