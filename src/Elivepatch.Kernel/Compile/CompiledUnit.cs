namespace Elivepatch.Kernel.Compile;

/// <summary>An object that the kernel's compiler made.</summary>
/// <param name="Unit">The source file, by path in the tree.</param>
/// <param name="Object">The bytes of the object file.</param>
/// <param name="Warnings">What the compiler said; empty where nothing.</param>
/// <param name="CompilerTime">Time that the compiler took; zero for an object from the cache.</param>
public sealed record CompiledUnit(string Unit, ReadOnlyMemory<byte> Object, string Warnings, TimeSpan CompilerTime);
