namespace Elivepatch.Engine.SelfCheck;

/// <summary>A place in the running kernel. Addresses of modules are of nobody's but the object's own.</summary>
/// <param name="ObjectName"><c>vmlinux</c> or the name of a module.</param>
/// <param name="Address">The address, as the object's symbols give it.</param>
internal readonly record struct RunningPlace(string ObjectName, ulong Address)
{
    /// <summary>The place so many bytes on.</summary>
    public RunningPlace Plus(long displacement) => this with { Address = unchecked(Address + (ulong)displacement) };
}
