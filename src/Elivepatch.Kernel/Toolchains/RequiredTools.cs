using Elivepatch.Protocol.Captures;

namespace Elivepatch.Kernel.Toolchains;

/// <summary>
/// What a kernel's configuration says of the tools that built it; numbers are as kbuild writes them, 0 for none.
/// </summary>
/// <param name="Compiler">The first line that the compiler printed of itself (<c>CC_VERSION_TEXT</c>).</param>
/// <param name="Assembler">Version of the assembler (<c>AS_VERSION</c>), as in 24400 for 2.44.</param>
/// <param name="Linker">Version of the linker (<c>LD_VERSION</c>), likewise.</param>
/// <param name="RustCompiler">The first line that the Rust compiler printed of itself; empty for none.</param>
public sealed record RequiredTools(string Compiler, int Assembler, int Linker, string RustCompiler)
{
    /// <summary>Reads a configuration.</summary>
    public static RequiredTools Of(KernelConfig config) =>
        new(
            config.CompilerText,
            config.GetNumber("AS_VERSION"),
            config.GetNumber("LD_VERSION"),
            config.IsSet("RUST") ? config.GetString("RUSTC_VERSION_TEXT") : ""
        );
}
