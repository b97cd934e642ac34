using System.Diagnostics.CodeAnalysis;

namespace Elivepatch.Model;

/// <summary>Either the value of a stage or the problems that kept it from having one.</summary>
public sealed class Outcome<T>
{
    private readonly T? value;

    private Outcome(T? value, IReadOnlyList<Problem> problems)
    {
        this.value = value;
        Problems = problems;
    }

    /// <summary>The problems; empty on success.</summary>
    public IReadOnlyList<Problem> Problems { get; }

    /// <summary>True where there is a value.</summary>
    public bool Succeeded => Problems.Count == 0;

    /// <summary>The value; only on success.</summary>
    public T Value => Succeeded ? value! : throw new InvalidOperationException($"no value: {Problems[0]}");

    /// <summary>Gives the value, or false.</summary>
    public bool TryGet([MaybeNullWhen(false)] out T result)
    {
        result = value;
        return Succeeded;
    }

    /// <summary>Feeds the value to the next stage, or passes the problems on.</summary>
    public Outcome<TNext> Then<TNext>(Func<T, Outcome<TNext>> next) =>
        Succeeded ? next(value!) : Outcome<TNext>.Failure(Problems);

    /// <summary>A success.</summary>
    public static implicit operator Outcome<T>(T value) => new(value, []);

    /// <summary>A failure with one problem.</summary>
    public static implicit operator Outcome<T>(Problem problem) => new(default, [problem]);

    /// <summary>A failure with these problems, of which there is at least one.</summary>
    public static Outcome<T> Failure(IReadOnlyList<Problem> problems) =>
        problems.Count > 0 ? new(default, problems) : throw new ArgumentException("a failure needs a problem", nameof(problems));
}
