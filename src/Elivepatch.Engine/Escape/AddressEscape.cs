namespace Elivepatch.Engine.Escape;

/// <summary>What of a module an address leads to.</summary>
public enum AddressKind
{
    /// <summary>A string literal.</summary>
    Literal,

    /// <summary>Other constant data.</summary>
    Constant,

    /// <summary>Data that can be written.</summary>
    Data,

    /// <summary>A function.</summary>
    Function,
}

/// <summary>How an address gets out of a module's hands.</summary>
public enum EscapeWay
{
    /// <summary>An instruction writes it to memory that is neither the module's own nor the function's stack frame.</summary>
    Stored,

    /// <summary>It is passed to a function of the kernel, which may keep it.</summary>
    Passed,

    /// <summary>A patched function returns it to its caller in the kernel, which may keep it.</summary>
    Returned,

    /// <summary>
    /// A patched function ends in a jump to a new one: the stack check of a transition knows the patched functions alone, so a
    /// task that sleeps in the new one does not keep its code from being freed.
    /// </summary>
    TailCalled,

    /// <summary>
    /// A patched function goes on in a cold part with a symbol of its own, which the same check takes for another function.
    /// </summary>
    ColdPart,

    /// <summary>Where it goes cannot be followed.</summary>
    NotFollowed,
}

/// <summary>One address of a module that the kernel may still hold when the livepatch is disabled.</summary>
/// <param name="Function">The function whose code lets it go.</param>
/// <param name="Address">What it leads to: a symbol, or a literal in quotes.</param>
/// <param name="Kind">What that is.</param>
/// <param name="Way">How it gets out.</param>
/// <param name="To">For <see cref="EscapeWay.Passed"/> the function that it is passed to, where known; else null.</param>
/// <param name="Place">The instruction, as <c>SECTION+OFFSET</c>.</param>
public sealed record AddressEscape(string Function, string Address, AddressKind Kind, EscapeWay Way, string? To, string Place)
{
    /// <summary>What happens there, without the function.</summary>
    public string Event => Way switch
    {
        EscapeWay.Stored => $"stores the address of {Noun}",
        EscapeWay.Passed => $"passes the address of {Noun} to {To ?? "a function that is called through a pointer"}, which may keep it",
        EscapeWay.Returned => $"returns the address of {Noun}, which its caller may keep",
        EscapeWay.ColdPart => $"goes on in {Address}, which the stack check of a transition does not know",
        EscapeWay.TailCalled => $"ends in a jump to {Noun}, which the stack check of a transition does not know",
        _ => $"uses the address of {Noun} in a way that cannot be followed",
    };

    private string Noun => Kind switch
    {
        AddressKind.Literal => $"the literal {Address}",
        AddressKind.Constant => $"the constant {Address}",
        AddressKind.Data => $"the variable {Address}",
        _ => $"the new function {Address}",
    };

    /// <inheritdoc/>
    public override string ToString() => $"{Function} {Event} ({Place})";
}
