using Elivepatch.Model.Explanations;

namespace Elivepatch.Engine.Escape;

/// <summary>One address of a module that the kernel may still hold when the livepatch is disabled.</summary>
/// <param name="Function">The function whose code lets it go.</param>
/// <param name="Address">What it refers to: a symbol, or a literal in quotes.</param>
/// <param name="Kind">The kind of that object.</param>
/// <param name="Way">How it escapes.</param>
/// <param name="To">For <see cref="EscapeWay.Passed"/> the function that it is passed to, where known; else null.</param>
/// <param name="Place">The instruction, as <c>SECTION+OFFSET</c>.</param>
public sealed record AddressEscape(string Function, string Address, AddressKind Kind, EscapeWay Way, string? To, string Place)
{
    /// <summary>What happens there, without the function.</summary>
    public string Event =>
        Way switch
        {
            EscapeWay.Stored => $"stores the address of {Noun}",
            EscapeWay.Passed =>
                $"passes the address of {Noun} to {To ?? "a function that is called through a pointer"}, which may keep it",
            EscapeWay.Returned => $"returns the address of {Noun}, which its caller may keep",
            EscapeWay.ColdPart => $"continues in {Address}, which the stack check of a transition does not know",
            EscapeWay.TailCalled => $"ends in a jump to {Noun}, which the stack check of a transition does not know",
            _ => $"uses the address of {Noun} in a way that cannot be followed",
        };

    private string Noun =>
        Kind switch
        {
            AddressKind.Literal => $"the literal {Address}",
            AddressKind.Constant => $"the constant {Address}",
            AddressKind.Data => $"the variable {Address}",
            _ => $"the new function {Address}",
        };

    /// <inheritdoc/>
    public override string ToString() => $"{Function} {Event} ({Place})";
}
