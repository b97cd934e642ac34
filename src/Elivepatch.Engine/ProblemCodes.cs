namespace Elivepatch.Engine;

/// <summary>Every failure that the product knows, in numeric order. The hundreds name the stage.</summary>
public static partial class ProblemCodes
{
    /// <summary>All codes, in numeric order.</summary>
    public static IReadOnlyList<ProblemCode> All =>
        [.. typeof(ProblemCodes).GetFields().Where(f => f.FieldType == typeof(ProblemCode))
            .Select(f => (ProblemCode)f.GetValue(null)!).OrderBy(c => c.Number)];
}
