namespace Elivepatch.Elf.Dwarf;

/// <summary>How a function is called: what the compiler of a caller takes for granted.</summary>
public sealed class FunctionSignature
{
    /// <summary>Type of the result; <c>void</c> without one.</summary>
    public required SignatureType Result { get; init; }

    /// <summary>Types of the parameters, in order.</summary>
    public IReadOnlyList<SignatureType> Parameters { get; init; } = [];

    /// <summary>
    /// True where <c>...</c> ends the parameters: the caller then says in a register how many of them are floating point.
    /// </summary>
    public bool IsVariadic { get; init; }

    /// <summary>True for <c>noreturn</c>: callers have no code behind the call.</summary>
    public bool NeverReturns { get; init; }

    /// <summary>
    /// In words, the first reason why code that was compiled to call the function as it was <paramref name="before"/> cannot call
    /// this; null where it can. Names of parameters carry no meaning. <c>const</c> may come to what a parameter points at and go
    /// from what the result points at; the other way round, one side would write what the other side takes for constant.
    /// </summary>
    public string? DifferenceFrom(FunctionSignature before)
    {
        ArgumentNullException.ThrowIfNull(before);
        if (Parameters.Count != before.Parameters.Count)
        {
            return $"{before.Parameters.Count} parameters become {Parameters.Count}";
        }

        for (var i = 0; i < Parameters.Count; i++)
        {
            if (!Parameters[i].Accepts(before.Parameters[i]))
            {
                return $"parameter {i + 1} {Change(before.Parameters[i], Parameters[i])}";
            }
        }
        if (!before.Result.Accepts(Result))
        {
            return $"the result {Change(before.Result, Result)}";
        }

        if (IsVariadic != before.IsVariadic)
        {
            return IsVariadic ? "variable arguments were added" : "variable arguments were removed";
        }

        return before.NeverReturns && !NeverReturns ? "it returns, and did not before" : null;
    }

    /// <summary>The declaration of a function of this name and signature, for people.</summary>
    public string Declare(string name)
    {
        var parameters = Parameters.Select(p => p.Spelling);
        var list = string.Join(", ", IsVariadic ? parameters.Append("...") : parameters);
        var result = Result.Spelling.EndsWith('*') ? Result.Spelling : Result.Spelling + " ";
        return $"{result}{name}({(list.Length > 0 ? list : "void")}){(NeverReturns ? " noreturn" : "")}";
    }

    /// <inheritdoc/>
    public override string ToString() => Declare("");

    private static string Change(SignatureType before, SignatureType after) =>
        before.Spelling == after.Spelling
            ? $"of type {after} is passed by value and has another layout in memory"
            : $"was {before}, now it is {after}";
}
