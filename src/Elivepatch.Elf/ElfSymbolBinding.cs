namespace Elivepatch.Elf;

/// <summary>Symbol binding, the upper four bits of <c>st_info</c>.</summary>
public enum ElfSymbolBinding : byte
{
    /// <summary>STB_LOCAL.</summary>
    Local = 0,

    /// <summary>STB_GLOBAL.</summary>
    Global = 1,

    /// <summary>STB_WEAK.</summary>
    Weak = 2,
}
