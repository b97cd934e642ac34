namespace Elivepatch.Model;

/// <summary>How long names are that a 64-bit kernel takes, in bytes, without their terminator.</summary>
public static class KernelLimits
{
    /// <summary>A symbol: KSYM_NAME_LEN is 512 from 6.1 on (<c>include/linux/kallsyms.h</c>).</summary>
    public const int SymbolName = 511;

    /// <summary>A symbol before 6.1, where KSYM_NAME_LEN was 128.</summary>
    public const int SymbolNameBefore61 = 127;

    /// <summary>A module: MODULE_NAME_LEN is 64 less the size of a long (<c>include/linux/moduleparam.h</c>).</summary>
    public const int ModuleName = 55;
}
