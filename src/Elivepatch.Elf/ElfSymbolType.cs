namespace Elivepatch.Elf;

/// <summary>Symbol type, the lower four bits of <c>st_info</c>.</summary>
public enum ElfSymbolType : byte
{
    /// <summary>STT_NOTYPE.</summary>
    None = 0,

    /// <summary>STT_OBJECT.</summary>
    Object = 1,

    /// <summary>STT_FUNC.</summary>
    Function = 2,

    /// <summary>STT_SECTION.</summary>
    Section = 3,

    /// <summary>STT_FILE.</summary>
    File = 4,

    /// <summary>STT_COMMON.</summary>
    Common = 5,

    /// <summary>STT_TLS.</summary>
    Tls = 6,
}
